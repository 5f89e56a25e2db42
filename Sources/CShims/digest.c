// The two primitives of DEBUG DIGEST on OpenSSL's SHA-1.
//
// Millions of tiny inputs: one block each. The low-level functions of OpenSSL take 84 ns for 40
// bytes, SHA1_Transform on a block that is padded here 67 ns, EVP with a reused context 127 ns
// (measured with OpenSSL 3.0, SHA extensions). They are deprecated in favour of EVP for the sake of
// providers, which a checksum of Redis has no use for.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "shims.h"

#include <openssl/sha.h>
#include <string.h>

static inline uint32_t big_endian(uint32_t word) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  return __builtin_bswap32(word);
#else
  return word;
#endif
}

// SHA-1 of one block that holds the message, its padding and its length.
static inline void hash_block(uint32_t words[5], const uint8_t block[64]) {
  SHA_CTX context;
  context.h0 = 0x67452301u;
  context.h1 = 0xEFCDAB89u;
  context.h2 = 0x98BADCFEu;
  context.h3 = 0x10325476u;
  context.h4 = 0xC3D2E1F0u;
  SHA1_Transform(&context, block);
  words[0] = context.h0;
  words[1] = context.h1;
  words[2] = context.h2;
  words[3] = context.h3;
  words[4] = context.h4;
}

static inline void hash(uint32_t words[5], const void *data, size_t count) {
  if (count <= 55) {
    uint8_t block[64] = {0};
    if (count > 0) memcpy(block, data, count);
    block[count] = 0x80;
    block[62] = (uint8_t)(count >> 5);
    block[63] = (uint8_t)(count << 3);
    hash_block(words, block);
  } else {
    SHA_CTX context;
    SHA1_Init(&context);
    SHA1_Update(&context, data, count);
    unsigned char bytes[SHA_DIGEST_LENGTH];
    SHA1_Final(bytes, &context);
    memcpy(words, bytes, sizeof bytes);
    for (int i = 0; i < 5; i++) words[i] = big_endian(words[i]);
  }
}

// SHA-1 of the 20 bytes of a digest.
static inline void hash_digest(uint32_t result[5], const uint32_t words[5]) {
  uint8_t block[64] = {0};
  uint32_t ordered[5];
  for (int i = 0; i < 5; i++) ordered[i] = big_endian(words[i]);
  memcpy(block, ordered, sizeof ordered);
  block[20] = 0x80;
  block[63] = 160;
  hash_block(result, block);
}

void redis_backup_digest_xor(redis_backup_digest *digest, const void *data, size_t count) {
  uint32_t words[5];
  hash(words, data, count);
  for (int i = 0; i < 5; i++) digest->words[i] ^= words[i];
}

void redis_backup_digest_mix(redis_backup_digest *digest, const void *data, size_t count) {
  redis_backup_digest_xor(digest, data, count);
  uint32_t words[5];
  hash_digest(words, digest->words);
  memcpy(digest->words, words, sizeof words);
}

void redis_backup_digest_fold(redis_backup_digest *digest, const redis_backup_digest *other) {
  uint32_t words[5];
  hash_digest(words, other->words);
  for (int i = 0; i < 5; i++) digest->words[i] ^= words[i];
}
