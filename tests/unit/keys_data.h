// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_TESTS_KEYS_DATA_H
#define AVOW_TESTS_KEYS_DATA_H

/* Keys made by ssh-keygen of OpenSSH 9.2 for these tests only; they open nothing. */

/* clang-format off */

/* ssh-keygen -t ed25519 -N '' -C bob@example.org */
#define BOB_FILE \
  "-----BEGIN OPENSSH PRIVATE KEY-----\n" \
  "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n" \
  "QyNTUxOQAAACCE6Kjj8r463XCxYQ2V7zapZt9HAGMY5Rq/zmjEfMMXxQAAAJh/MIiofzCI\n" \
  "qAAAAAtzc2gtZWQyNTUxOQAAACCE6Kjj8r463XCxYQ2V7zapZt9HAGMY5Rq/zmjEfMMXxQ\n" \
  "AAAEC+H4gSxycLBjQpHngoFI0z6tH1XD7HmlGCnc3xeWZAcoToqOPyvjrdcLFhDZXvNqlm\n" \
  "30cAYxjlGr/OaMR8wxfFAAAAD2JvYkBleGFtcGxlLm9yZwECAwQFBg==\n" \
  "-----END OPENSSH PRIVATE KEY-----\n"

#define BOB_SEED \
  "be1f8812c7270b0634291e7828148d33ead1f55c3ec79a51829dcdf179664072"

#define BOB_CHECK 0x7f3088a8u
#define BOB_COMMENT "bob@example.org"
#define BOB_LINE \
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIToqOPyvjrdcLFhDZXvNqlm30cAYxjlGr/OaMR8wxfF"

#define BOB_FINGERPRINT \
  "SHA256:MhY9Llw/HyZbm8GNmCsGn7807Tx718uv/o1SzE/X5nc"

/* ssh-keygen -t ed25519 -N '' -C '' */
#define UNNAMED_FILE \
  "-----BEGIN OPENSSH PRIVATE KEY-----\n" \
  "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n" \
  "QyNTUxOQAAACAp1ZvQMMxmS/uk7k7fVMoqW5bnQaYjr6GMc63UgiMyNwAAAIi2HHUrthx1\n" \
  "KwAAAAtzc2gtZWQyNTUxOQAAACAp1ZvQMMxmS/uk7k7fVMoqW5bnQaYjr6GMc63UgiMyNw\n" \
  "AAAEBev+JILuP3BspPSQc2NHk/6A5u9vwOiaMs+XYjZzKPHSnVm9AwzGZL+6TuTt9Uyipb\n" \
  "ludBpiOvoYxzrdSCIzI3AAAAAAECAwQF\n" \
  "-----END OPENSSH PRIVATE KEY-----\n"

#define UNNAMED_LINE \
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICnVm9AwzGZL+6TuTt9UyipbludBpiOvoYxzrdSCIzI3"

/* another ed25519 key */
#define ALICE_LINE \
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEjdkx1wEo5E70tkE1tN5CRycsO84564bxERguj0flZt"

/* ssh-keygen -t ed25519 -N secret -a 1: aes256-ctr */
#define ENCRYPTED_FILE \
  "-----BEGIN OPENSSH PRIVATE KEY-----\n" \
  "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABAxVdb0L/\n" \
  "KN3Uo5nxfc6YG8AAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIJUcifoBWteX9np1\n" \
  "NlilP56ae2n5rTaKkkC5O/+18prJAAAAkPZzzPmFpfH6kWDJ39fcY7JzalCRb7YuwKG3+g\n" \
  "1BxgldMH4Z9h+0MqrtKj8Qskb/VnTTg9n0RWOlbal+H9LGcHtS12r2Bvzhq+o2LMwAQBx6\n" \
  "A+zD2pyqn+aulSJJ0tNo1ozayjyk3+9ANCbq6AcoTkPdnORVjJ0OLWYtSMQDP9FLWLkpMi\n" \
  "pxm0Ije+P+2KdDSA==\n" \
  "-----END OPENSSH PRIVATE KEY-----\n"

/* the same with -Z chacha20-poly1305@openssh.com, which has a tag behind the section */
#define ENCRYPTED_TAGGED_FILE \
  "-----BEGIN OPENSSH PRIVATE KEY-----\n" \
  "b3BlbnNzaC1rZXktdjEAAAAAHWNoYWNoYTIwLXBvbHkxMzA1QG9wZW5zc2guY29tAAAABm\n" \
  "JjcnlwdAAAABgAAAAQVFKqtnEb6pgnxqA1J/DBeQAAAAEAAAABAAAAMwAAAAtzc2gtZWQy\n" \
  "NTUxOQAAACCvizsbjAZ6ilJsr28nKNmY5sipD6pjEzNl7pq8EVVlfwAAAIibcGXsaQM4V2\n" \
  "r3d4qN7wCn/HnOX2QAjEo1BHxolGpiS3RpT+otOR/eOKl33JMFSPHGJZep75GwMvBnD4Zm\n" \
  "yBVWAdCLtFtkS3JRDqlcyt7/6nDivrU6O+IdeADW5WDhq2f9TdQPLDU7mrN4D0+i0rlGk4\n" \
  "QMiqPlIgwxZOJBIVeKxs70yXUk3UbQvV7xfDfZqOGQCiD+QPFOzQ==\n" \
  "-----END OPENSSH PRIVATE KEY-----\n"

/* ssh-keygen -t rsa -b 1024 -N '' */
#define RSA_FILE \
  "-----BEGIN OPENSSH PRIVATE KEY-----\n" \
  "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAlwAAAAdzc2gtcn\n" \
  "NhAAAAAwEAAQAAAIEAuNomgYNU0vQpvmptaElbbqYoCL7u3CTxaHxHyO5DlUpKX1Q5v+ra\n" \
  "+7xvRWI+sbfoMMra760H3t0qUA04BtdnnX/oDHmwTcVRVhXCe4AoQZx3cWXvDyFfr/8SwY\n" \
  "hv9BHL+0d0OMRiSkshVNUB7RRK8KVHH3oJTKUkwK08ZpsyXDUAAAIAJXBl+SVwZfkAAAAH\n" \
  "c3NoLXJzYQAAAIEAuNomgYNU0vQpvmptaElbbqYoCL7u3CTxaHxHyO5DlUpKX1Q5v+ra+7\n" \
  "xvRWI+sbfoMMra760H3t0qUA04BtdnnX/oDHmwTcVRVhXCe4AoQZx3cWXvDyFfr/8SwYhv\n" \
  "9BHL+0d0OMRiSkshVNUB7RRK8KVHH3oJTKUkwK08ZpsyXDUAAAADAQABAAAAgGjPUDvo4i\n" \
  "SGSlDr+ULDLTNsxJBI6hgqXjKXHQChj/JK4CZzFBdsK2PGsPSPQurzUpSvwDlbS3YiwoYH\n" \
  "KLhAVD+yt3b7c/BbMD+OqMYGlvSGzXhLEICe5YvfRTTXXweykTFRpuZH8hRdoTw+FlP/Ie\n" \
  "pAfoQccpkFovX1KouCXtj1AAAAQQDjTdoRxuJOIbdW59ufzBz+VdthZLx+9amocRvitDQ/\n" \
  "EbOVOlqCfVIbaN4AgcxH/QRhX08en8m92vSDxuxN7n+zAAAAQQDro8aBETsPVWrTXbjB8i\n" \
  "JtnhXiY+m3tjXPHxWtelHFn8jV80vDNRgsxfwianEQP46REAylm0xrCEAHNLiAmffrAAAA\n" \
  "QQDI0vsLJ3gSjTWfjHIBMH/T9VdZWRAg/9DV4WLkvIAb0Ts4r5nytqDoWq+caT4nSnH7y0\n" \
  "r/pfrvNDYiA3WM0xRfAAAAA3JzYQECAwQFBgc=\n" \
  "-----END OPENSSH PRIVATE KEY-----\n"

#define RSA_LINE \
  "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC42iaBg1TS9Cm+am1oSVtupigIvu7cJPFofEfI7kOVSkpf" \
  "VDm/6tr7vG9FYj6xt+gwytrvrQfe3SpQDTgG12edf+gMebBNxVFWFcJ7gChBnHdxZe8PIV+v/xLBiG/0Ecv7" \
  "R3Q4xGJKSyFU1QHtFErwpUcfeglMpSTArTxmmzJcNQ=="

/* ssh-keygen -t ecdsa -N '' */
#define ECDSA_FILE \
  "-----BEGIN OPENSSH PRIVATE KEY-----\n" \
  "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS\n" \
  "1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQSEbMQ0nVBRmhhNlQNjZYZ+U05AsEh6\n" \
  "ERFaU/kXR+X7sGDvVRGaVXuG/0PHZCgNNEdVN1ZWERIu0vlKz8tEz06QAAAAoHTzFSN08x\n" \
  "UjAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBIRsxDSdUFGaGE2V\n" \
  "A2Nlhn5TTkCwSHoREVpT+RdH5fuwYO9VEZpVe4b/Q8dkKA00R1U3VlYREi7S+UrPy0TPTp\n" \
  "AAAAAhAJ9rLEf35INLHoJFMk6N8FpPhEaKDNWDPu5Kw6RSfXGEAAAAAmVjAQIDBAU=\n" \
  "-----END OPENSSH PRIVATE KEY-----\n"

#define ECDSA_LINE \
  "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBIRsxDSdUFGa" \
  "GE2VA2Nlhn5TTkCwSHoREVpT+RdH5fuwYO9VEZpVe4b/Q8dkKA00R1U3VlYREi7S+UrPy0TPTpA="

/* ssh-keygen -t ecdsa -m PEM -N '' */
#define PEM_FILE \
  "-----BEGIN EC PRIVATE KEY-----\n" \
  "MHcCAQEEIEQd45Z6vr/UEnHfyTk7aUGkTwDKBgF5+2/PInKjQWOToAoGCCqGSM49\n" \
  "AwEHoUQDQgAE2mMbxrukQXFJxau39Ox/lF9TBnFEKjreIFTqJYzREcTI7OEyfGen\n" \
  "DZqUwUuWZsRpDnZX4scNntam2wOXUrMClg==\n" \
  "-----END EC PRIVATE KEY-----\n"

/* clang-format on */

#endif
