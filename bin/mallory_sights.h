// SPDX-License-Identifier: Apache-2.0
#ifndef AVOW_BIN_MALLORY_SIGHTS_H
#define AVOW_BIN_MALLORY_SIGHTS_H

#include "mallory_scene.h"

/**
 * sights_check(scene, outcome, folder, result):
 * Whether logs and screens in ${folder} say what they should, and no other incident; who noticed
 * and the lines that prove it go to ${result}, or what is wrong.
 */
bool sights_check(const struct scene *scene, const struct outcome *outcome, const char *folder,
                  struct result *result);

#endif
