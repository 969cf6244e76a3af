// The currencies that Calder holds.
#ifndef CEILINGS_H
#define CEILINGS_H

#include <wasmpay.h>

struct ceiling {
  const char *currency;
  // Most of one settlement, in the minor unit.
  int64_t most;
  // Minor units in a whole one.
  int64_t unit;
};

// The ceiling of a currency; NULL where Calder holds none of it.
const struct ceiling *find_ceiling(wasmpay_text currency);

#endif
