# SPDX-License-Identifier: Apache-2.0
"""A time stamping authority (RFC 3161) on loopback: `openssl ts` behind a small HTTP server."""
import http.server
import subprocess
import threading

CONFIG = """
[tsa]
default_tsa = one
[one]
dir = {folder}
serial = {folder}/serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[stamping]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[root]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[plain]
basicConstraints = CA:false
[req]
distinguished_name = nobody
[nobody]
"""


def openssl(*args, **more):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, timeout=60, **more)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


class Authority:
    """Its certificates in ${folder}: ca.pem, tsa.pem. ${kind} is the type of its key."""

    def __init__(self, folder, name="Test Authority", kind="ec", usage="stamping"):
        self.folder, self.name = folder, name
        folder.mkdir()
        self.config, self.ca = folder / "config", folder / "ca.pem"
        self.config.write_text(CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")
        make = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256") if kind == "ec" else ("rsa",)
        for who in ("ca", "tsa"):
            openssl("genpkey", "-algorithm", *make, "-out", folder / f"{who}.key")
        openssl("req", "-x509", "-config", self.config, "-extensions", "root", "-key", folder / "ca.key",
                "-subj", f"/CN={name} Root", "-days", "30", "-out", self.ca)
        openssl("req", "-new", "-config", self.config, "-key", folder / "tsa.key", "-subj", f"/O=Tests/CN={name}",
                "-out", folder / "tsa.req")
        openssl("x509", "-req", "-in", folder / "tsa.req", "-CA", self.ca, "-CAkey", folder / "ca.key",
                "-CAcreateserial", "-days", "30", "-extfile", self.config, "-extensions", usage,
                "-out", folder / "tsa.pem")

    def answer(self, query, **more):
        """What `openssl ts -reply` says to a query in DER."""
        asked, told = self.folder / "query.tsq", self.folder / "answer.tsr"
        asked.write_bytes(query)
        openssl("ts", "-reply", "-config", self.config, "-queryfile", asked, "-signer", self.folder / "tsa.pem",
                "-inkey", self.folder / "tsa.key", "-out", told, **more)
        return told.read_bytes()

    def forge(self, answer):
        """The same stamp, signed by hand with this certificate, whatever it is for."""
        stamp, token, signed = (self.folder / name for name in ("stamp", "token", "signed"))
        (self.folder / "answer").write_bytes(answer)
        openssl("ts", "-reply", "-in", self.folder / "answer", "-token_out", "-out", token)
        openssl("cms", "-verify", "-noverify", "-inform", "DER", "-in", token, "-out", stamp)
        openssl("cms", "-sign", "-binary", "-nodetach", "-cades", "-md", "sha256", "-outform", "DER", "-in", stamp,
                "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-signer", self.folder / "tsa.pem",
                "-inkey", self.folder / "tsa.key", "-out", signed)
        content = b"\x30\x03\x02\x01\x00" + signed.read_bytes()
        return b"\x30\x82" + len(content).to_bytes(2, "big") + content


class Server:
    """POST a query to ${url}, and get what ${answer} makes of it. With ${drip_s}, a byte at a time."""

    def __init__(self, answer, status=200, drip_s=None):
        self.queries, self.types, over = [], [], threading.Event()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(handler):
                query = handler.rfile.read(int(handler.headers["Content-Length"]))
                self.queries.append(query)
                self.types.append(handler.headers["Content-Type"])
                body = answer(query)
                handler.send_response(status)
                handler.send_header("Content-Type", "application/timestamp-reply")
                handler.send_header("Content-Length", len(body))
                handler.end_headers()
                try:
                    for part in [body] if drip_s is None else [body[at:at + 1] for at in range(len(body))]:
                        handler.wfile.write(part)
                        if drip_s is not None and over.wait(drip_s):
                            return
                except OSError:
                    pass

            def log_message(handler, *args):
                pass

        self.over = over
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()
