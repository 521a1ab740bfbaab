// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_IO_FILES_H
#define AVOW_IO_FILES_H

#include "base/bytes.h"

/* Small files, read and written whole.  AVOW_SYSTEM leaves the reason in errno. */

enum file_trust {
  FILE_ANY,     /* public content */
  FILE_NO_LINK, /* and no symbolic link: errno is ELOOP */
  FILE_OURS,    /* no link, and only we or root may have written it: errno is EPERM */
  FILE_SECRET,  /* nobody else may read or write it: errno is EPERM */
};

/**
 * file_read(path, trust, file):
 * Append the content of the regular file ${path} to ${file}.  Returns AVOW_NOT_FOUND if there is
 * none, AVOW_TOO_LONG over ${file->max}, AVOW_SYSTEM; with errno EISDIR if it is not a regular
 * file.
 */
enum avow_error file_read(const char *path, enum file_trust trust, struct buf *file);

/**
 * file_replace(path, mode, bytes):
 * Write ${bytes} so that a reader sees the old file or the new one, and the new one survives a
 * power cut.  A symbolic link at ${path} is replaced, not followed.  Returns AVOW_SYSTEM.
 */
enum avow_error file_replace(const char *path, unsigned mode, struct view bytes);

/** file_create(path, mode, bytes): As file_replace, but errno is EEXIST if ${path} is there. */
enum avow_error file_create(const char *path, unsigned mode, struct view bytes);

/** file_beside(path, name, out, size): Write the path of ${name} in the folder of ${path} to
 * ${out}; false if it does not fit ${size}. */
bool file_beside(const char *path, const char *name, char *out, size_t size);

/** folder_make(path): Make ${path} and the folders above it, 0700.  Returns AVOW_SYSTEM. */
enum avow_error folder_make(const char *path);

#endif
