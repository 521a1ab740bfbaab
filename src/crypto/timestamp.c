// SPDX-License-Identifier: Apache-2.0
#include "crypto/timestamp.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ts.h>
#include <string.h>

#include "crypto/random.h"

#define NONCE_SIZE 8u

static enum avow_error append_query(TS_REQ *request, struct buf *query) {
  uint8_t *to;
  int size = i2d_TS_REQ(request, NULL);
  if (size <= 0)
    return AVOW_CRYPTO;
  enum avow_error error = buf_reserve(query, (size_t)size, &to);
  if (error != AVOW_OK)
    return error;
  if (i2d_TS_REQ(request, &to) != size)
    return AVOW_CRYPTO;
  buf_commit(query, (size_t)size);
  return AVOW_OK;
}

enum avow_error timestamp_query(const uint8_t imprint[SHA256_SIZE], struct buf *query) {
  uint8_t random[NONCE_SIZE], hash[SHA256_SIZE];
  enum avow_error error = random_bytes(random, sizeof random);
  if (error != AVOW_OK)
    return error;
  memcpy(hash, imprint, sizeof hash);
  TS_REQ *request = TS_REQ_new();
  TS_MSG_IMPRINT *message = TS_MSG_IMPRINT_new();
  X509_ALGOR *algorithm = X509_ALGOR_new();
  BIGNUM *number = BN_bin2bn(random, sizeof random, NULL);
  ASN1_INTEGER *nonce = number != NULL ? BN_to_ASN1_INTEGER(number, NULL) : NULL;
  error = AVOW_CRYPTO;
  if (request == NULL || message == NULL || algorithm == NULL || nonce == NULL)
    error = AVOW_NO_MEMORY;
  else if (X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) == 1 &&
           TS_MSG_IMPRINT_set_algo(message, algorithm) == 1 &&
           TS_MSG_IMPRINT_set_msg(message, hash, sizeof hash) == 1 &&
           TS_REQ_set_version(request, 1) == 1 && TS_REQ_set_msg_imprint(request, message) == 1 &&
           TS_REQ_set_nonce(request, nonce) == 1 && TS_REQ_set_cert_req(request, 1) == 1)
    error = append_query(request, query);
  ASN1_INTEGER_free(nonce);
  BN_free(number);
  X509_ALGOR_free(algorithm);
  TS_MSG_IMPRINT_free(message);
  TS_REQ_free(request);
  ERR_clear_error();
  return error;
}

/* The whole of ${bytes} as an answer, or NULL: nothing may stand behind it. */
static TS_RESP *decode_answer(struct view bytes) {
  const uint8_t *at = bytes.data;
  if (bytes.size == 0 || bytes.size > TIMESTAMP_MAX)
    return NULL;
  TS_RESP *response = d2i_TS_RESP(NULL, &at, (long)bytes.size);
  if (response != NULL && at == bytes.data + bytes.size)
    return response;
  TS_RESP_free(response);
  ERR_clear_error();
  return NULL;
}

static TS_REQ *decode_query(struct view bytes) {
  const uint8_t *at = bytes.data;
  if (bytes.size == 0 || bytes.size > TIMESTAMP_MAX)
    return NULL;
  TS_REQ *request = d2i_TS_REQ(NULL, &at, (long)bytes.size);
  if (request != NULL && at == bytes.data + bytes.size)
    return request;
  TS_REQ_free(request);
  ERR_clear_error();
  return NULL;
}

static bool read_imprint(TS_MSG_IMPRINT *message, uint8_t imprint[SHA256_SIZE]) {
  const ASN1_OBJECT *function = NULL;
  ASN1_OCTET_STRING *hash = message != NULL ? TS_MSG_IMPRINT_get_msg(message) : NULL;
  if (hash == NULL || ASN1_STRING_length(hash) != (int)SHA256_SIZE)
    return false;
  X509_ALGOR_get0(&function, NULL, NULL, TS_MSG_IMPRINT_get_algo(message));
  if (OBJ_obj2nid(function) != NID_sha256)
    return false;
  memcpy(imprint, ASN1_STRING_get0_data(hash), SHA256_SIZE);
  return true;
}

/* Seconds since 1970; false if it is not a time since then. */
static bool read_time(const ASN1_GENERALIZEDTIME *when, uint64_t *ret_us) {
  int days, seconds;
  ASN1_TIME *epoch = ASN1_TIME_new();
  bool good = epoch != NULL && when != NULL &&
              ASN1_TIME_set_string(epoch, "19700101000000Z") == 1 &&
              ASN1_TIME_diff(&days, &seconds, epoch, when) == 1 && days >= 0 && seconds >= 0;
  ASN1_TIME_free(epoch);
  if (good)
    *ret_us = ((uint64_t)days * 86400 + (uint64_t)seconds) * 1000000;
  return good;
}

static void copy_name(BIO *from, char name[sizeof((struct timestamp *)0)->authority]) {
  char *text;
  long size = BIO_get_mem_data(from, &text);
  size_t most = sizeof((struct timestamp *)0)->authority - 1;
  size_t taken = size < 0 ? 0 : (size_t)size < most ? (size_t)size : most;
  if (taken > 0)
    memcpy(name, text, taken);
  name[taken] = '\0';
}

/* The subject of the certificate that the signature names, if the answer holds it. */
static void read_authority(TS_RESP *response, char *name) {
  PKCS7 *token = TS_RESP_get_token(response);
  STACK_OF(X509) *signers = token != NULL ? PKCS7_get0_signers(token, NULL, 0) : NULL;
  BIO *out = BIO_new(BIO_s_mem());
  if (out != NULL && signers != NULL && sk_X509_num(signers) > 0 &&
      X509_NAME_print_ex(out, X509_get_subject_name(sk_X509_value(signers, 0)), 0,
                         XN_FLAG_RFC2253) >= 0)
    copy_name(out, name);
  BIO_free(out);
  sk_X509_free(signers);
}

static void read_refusal(TS_STATUS_INFO *status, char *why) {
  BIO *out = BIO_new(BIO_s_mem());
  if (out != NULL && status != NULL && TS_STATUS_INFO_print_bio(out, status) == 1)
    copy_name(out, why);
  BIO_free(out);
}

static bool granted(TS_RESP *response) {
  const ASN1_INTEGER *status = TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(response));
  long number = status != NULL ? ASN1_INTEGER_get(status) : -1;
  return number == TS_STATUS_GRANTED || number == TS_STATUS_GRANTED_WITH_MODS;
}

enum avow_error timestamp_read(struct view answer, struct timestamp *ret) {
  struct timestamp stamp = {0};
  TS_RESP *response = decode_answer(answer);
  if (response == NULL)
    return AVOW_MALFORMED;
  enum avow_error error = AVOW_OK;
  TS_TST_INFO *info = TS_RESP_get_tst_info(response);
  if (!granted(response)) {
    error = AVOW_NOT_FOUND;
    read_refusal(TS_RESP_get_status_info(response), stamp.authority);
  } else if (info == NULL || !read_imprint(TS_TST_INFO_get_msg_imprint(info), stamp.imprint) ||
             !read_time(TS_TST_INFO_get_time(info), &stamp.when_us)) {
    error = AVOW_MALFORMED;
  } else {
    read_authority(response, stamp.authority);
  }
  TS_RESP_free(response);
  ERR_clear_error();
  if (error == AVOW_OK || error == AVOW_NOT_FOUND)
    *ret = stamp;
  return error;
}

enum avow_error timestamp_answers(struct view answer, struct view query) {
  uint8_t asked[SHA256_SIZE], told[SHA256_SIZE];
  TS_RESP *response = decode_answer(answer);
  TS_REQ *request = decode_query(query);
  TS_TST_INFO *info = response != NULL ? TS_RESP_get_tst_info(response) : NULL;
  enum avow_error error = AVOW_MALFORMED;
  if (request != NULL && info != NULL && read_imprint(TS_REQ_get_msg_imprint(request), asked) &&
      read_imprint(TS_TST_INFO_get_msg_imprint(info), told)) {
    const ASN1_INTEGER *sent = TS_REQ_get_nonce(request), *back = TS_TST_INFO_get_nonce(info);
    bool same = sent == NULL || (back != NULL && ASN1_INTEGER_cmp(sent, back) == 0);
    error = same && memcmp(asked, told, sizeof told) == 0 ? AVOW_OK : AVOW_NOT_AUTHENTIC;
  }
  TS_REQ_free(request);
  TS_RESP_free(response);
  ERR_clear_error();
  return error;
}

/* All certificates of ${pem}; the time that counts is that of the stamp. */
static enum avow_error fill_store(X509_STORE *store, struct view pem, uint64_t when_us) {
  BIO *in = BIO_new_mem_buf(pem.size > 0 ? pem.data : (const void *)"", (int)pem.size);
  enum avow_error error = in != NULL ? AVOW_NOT_FOUND : AVOW_NO_MEMORY;
  X509 *one;
  while (in != NULL && (one = PEM_read_bio_X509(in, NULL, NULL, NULL)) != NULL) {
    error = X509_STORE_add_cert(store, one) == 1 ? AVOW_OK : AVOW_CRYPTO;
    X509_free(one);
    if (error != AVOW_OK)
      break;
  }
  BIO_free(in);
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)(when_us / 1000000));
  return error;
}

/* Takes ${store} over. */
static enum avow_error verify_with(TS_RESP *response, X509_STORE *store) {
  TS_VERIFY_CTX *context = TS_VERIFY_CTX_new();
  if (context == NULL) {
    X509_STORE_free(store);
    return AVOW_NO_MEMORY;
  }
#if OPENSSL_VERSION_PREREQ(3, 4)
  TS_VERIFY_CTX_set0_store(context, store);
#else
  TS_VERIFY_CTX_set_store(context, store);
#endif
  TS_VERIFY_CTX_set_flags(context, TS_VFY_VERSION | TS_VFY_SIGNATURE | TS_VFY_SIGNER);
  int good = TS_RESP_verify_response(context, response);
  TS_VERIFY_CTX_free(context);
  return good == 1 ? AVOW_OK : AVOW_NOT_AUTHENTIC;
}

enum avow_error timestamp_verify(struct view answer, struct view authorities) {
  struct timestamp stamp;
  enum avow_error error = timestamp_read(answer, &stamp);
  if (error != AVOW_OK)
    return error == AVOW_NOT_FOUND ? AVOW_MALFORMED : error;
  TS_RESP *response = decode_answer(answer);
  X509_STORE *store = X509_STORE_new();
  if (response == NULL || store == NULL)
    error = AVOW_NO_MEMORY;
  else
    error = fill_store(store, authorities, stamp.when_us);
  if (error == AVOW_OK) {
    error = verify_with(response, store);
    store = NULL; /* taken over */
  }
  X509_STORE_free(store);
  TS_RESP_free(response);
  ERR_clear_error();
  return error;
}
