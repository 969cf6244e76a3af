// The records of wasmpay:platform/types, seen in place. A `transaction` flattens to 25 core values, more than the
// 16 that the canonical ABI passes as parameters, so the host stores it in memory and passes one pointer. These
// classes have no fields: a reference is that pointer, and each getter adds the member's offset (a string is 8
// bytes aligned to 4, an s64 8 bytes aligned to 8).

import { Text } from './text';

function textAt(base: usize, offset: usize): Text {
  return changetype<Text>(base + offset);
}

/** Record `bank`: 32 bytes. */
@unmanaged
export class Bank {
  get id(): Text {
    return textAt(changetype<usize>(this), 0);
  }
  get name(): Text {
    return textAt(changetype<usize>(this), 8);
  }
  /** The country as the processor wrote it. ISO 3166 alpha-3 (`USA`, `GBR`) by custom; nothing checks it. */
  get country(): Text {
    return textAt(changetype<usize>(this), 16);
  }
  /** The account's currency, ISO 4217 by custom. */
  get currency(): Text {
    return textAt(changetype<usize>(this), 24);
  }
}

/** Record `currency`: 24 bytes, aligned to 8. */
@unmanaged
export class Currency {
  get name(): Text {
    return textAt(changetype<usize>(this), 0);
  }
  get symbol(): Text {
    return textAt(changetype<usize>(this), 8);
  }
  /** The sum in the currency's minor unit (cents, pence). May be zero or negative. */
  get amount(): i64 {
    return load<i64>(changetype<usize>(this), 16);
  }
}

/** Record `transaction`: 104 bytes, aligned to 8. */
@unmanaged
export class Transaction {
  get id(): Text {
    return textAt(changetype<usize>(this), 0);
  }
  get origin(): Bank {
    return changetype<Bank>(changetype<usize>(this) + 8);
  }
  get destination(): Bank {
    return changetype<Bank>(changetype<usize>(this) + 40);
  }
  get amount(): Currency {
    return changetype<Currency>(changetype<usize>(this) + 72);
  }
  get status(): Text {
    return textAt(changetype<usize>(this), 96);
  }
}
