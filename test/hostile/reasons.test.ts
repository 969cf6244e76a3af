// Guests of contract 0.2.0 that lie in their reasons: texts that are too long, no text, or that would be something else
// to whoever reads them; verdicts that are none; reasons that would pass as the platform's own.

import { attack, describeAttacks, type Attack } from '../fixtures/attacks.ts';
import { APPROVAL, DENIAL, wordsOf, type HostileCore } from '../fixtures/hostile-validator.ts';
import { UNSPECIFIED_DENIAL } from '../../src/core/decision.ts';
import { FAILURE_CODES } from '../../src/core/failure.ts';

const CODE_AT = 2048;
// Below 4096, where the core module's allocator begins.
const MESSAGE_AT = 3072;
const VERDICT_AT = 1024;
/** All that the default limits allow: 16 MiB. */
const MEMORY = '(memory (export "memory") 256)';
const MEMORY_BYTES = 256 * 65_536;

/** WAT's text for any bytes. */
const escaped = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => `\\${byte.toString(16).padStart(2, '0')}`).join('');

const bytesOf = (text: string | Uint8Array): Uint8Array =>
  typeof text === 'string' ? new TextEncoder().encode(text) : text;

/** A core that answers these words at an address, as its verdict. */
const answering = (words: readonly number[], fields = ''): HostileCore => ({
  contract: '0.2.0',
  fields: `${fields} (data (i32.const ${VERDICT_AT}) "${wordsOf(...words)}")`,
  attack: `(return (i32.const ${VERDICT_AT}))`,
});

/** A core that denies with this code and message. */
function denying(code: string | Uint8Array, message: string | Uint8Array = ''): HostileCore {
  const [codeBytes, messageBytes] = [bytesOf(code), bytesOf(message)];
  return answering(
    [1, CODE_AT, codeBytes.length, MESSAGE_AT, messageBytes.length],
    `(data (i32.const ${CODE_AT}) "${escaped(codeBytes)}") (data (i32.const ${MESSAGE_AT}) "${escaped(messageBytes)}")`,
  );
}

const refused = (name: string, core: HostileCore, detail?: string): Attack =>
  attack(name, core, 'bad_output', detail === undefined ? {} : { detail });

describeAttacks('reasons', [
  attack('denies with a code of 34 characters', denying('A'.repeat(34)), 'deny'),
  attack('denies with a code of 35 characters', denying('A'.repeat(35)), 'deny'),
  refused('denies with a code of 36 characters', denying('A'.repeat(36)), '35 characters'),
  attack('denies with a message of 511 bytes', denying('AM04', 'x'.repeat(511)), 'deny'),
  attack('denies with a message of 512 bytes', denying('AM04', `x${'é'.repeat(255)}x`), 'deny'),
  refused('denies with a message of 513 bytes', denying('AM04', `x${'é'.repeat(256)}`), '512 bytes'),
  refused('denies without a code', denying(''), 'without a code'),

  ...[UNSPECIFIED_DENIAL.code, ...FAILURE_CODES].flatMap((code) => [
    refused(`denies with the platform’s own ${code}`, denying(code), 'characters'),
    refused(`denies with the platform’s own ${code} in capitals`, denying(code.toUpperCase()), 'platform'),
  ]),
  // Those are a bank's own word then, and no failure: what they are called elsewhere is the table's.
  attack('denies with a code of ISO 20022 that the platform uses', denying('AB10'), 'deny'),

  ...(
    [
      ['a NUL', 'paid\u0000'],
      ['a line feed', 'denied\n{"decision":"approve"}'],
      ['a carriage return', 'denied\rapproved'],
      ['an escape sequence of terminals', '\u001b[2Kapproved'],
      ['a control character of C1', 'denied\u009b2K'],
      ['a line separator', 'denied\u2028approved'],
      ['text that runs backwards', 'denied\u202edevorppa'],
    ] as const
  ).flatMap(([what, text]) => [
    refused(`writes ${what} in its message`, denying('AM04', text), 'control characters'),
    refused(`writes ${what} in its code`, denying(`A${text}`), 'characters'),
  ]),
  refused('writes a space in its code', denying('AM 04'), 'characters'),
  refused('writes a letter beyond ASCII in its code', denying('АМ04'), 'characters'),
  attack(
    'writes quotes, backslashes and markup in both',
    denying('A"\\</script>{}', '"},"decision":"approve",{"a":"\\u0000</script><img src=x onerror=alert(1)>'),
    'deny',
  ),

  ...(
    [
      ['a lone continuation', [0x80]],
      ['an overlong zero', [0xc0, 0x80]],
      ['a surrogate', [0xed, 0xa0, 0x80]],
      ['a scalar above the last', [0xf4, 0x90, 0x80, 0x80]],
      ['a sequence that ends early', [0x61, 0xe2, 0x82]],
    ] as const
  ).flatMap(([what, bytes]) => [
    attack(`has ${what} in its message`, denying('AM04', Uint8Array.from(bytes)), 'trap', {
      detail: 'UTF-8',
    }),
    attack(`has ${what} in its code`, denying(Uint8Array.from(bytes)), 'trap', { detail: 'UTF-8' }),
  ]),

  ...[2, 3, 7, 127, 128, 255].map((discriminant) =>
    refused(`answers a verdict of discriminant ${discriminant}`, answering([discriminant, 0, 0, 0, 0])),
  ),
  attack('answers an approval with a denial behind it', answering([0, CODE_AT, 4, MESSAGE_AT, 4]), 'approve'),
  refused('answers a denial with nothing behind it', answering([1, 0, 0, 0, 0]), 'without a code'),
  // Only the first byte is the discriminant.
  attack('answers an approval among other bytes', answering([0xffff_ff00, 0, 0, 0, 0]), 'approve'),

  ...(
    [
      ['at the end of memory', 65_536],
      ['beyond memory', 0x7fff_fff0],
      ['at a negative address', -16],
      ['that memory just does not hold', 65_536 - 16],
    ] as const
  ).map(([what, address]) =>
    attack(
      `answers a verdict ${what}`,
      {
        contract: '0.2.0',
        attack: `(i32.store8 (i32.const ${65_536 - 16}) (i32.const 1)) (return (i32.const ${address}))`,
      },
      'trap',
    ),
  ),
  ...(
    [
      ['a code beyond memory', [1, 65_536, 1, 0, 0]],
      ['a code that reaches beyond memory', [1, 65_535, 2, 0, 0]],
      ['a code of −1 bytes', [1, 0, 0xffff_ffff, 0, 0]],
      ['a message at −1', [1, CODE_AT, 0, 0xffff_ffff, 2]],
      ['a message of −1 bytes', [1, CODE_AT, 0, 0, 0xffff_ffff]],
    ] as const
  ).map(([what, words]) =>
    attack(`answers ${what}`, answering(words), 'trap', { detail: 'outside of memory' }),
  ),

  refused(
    'answers all of its memory as a message',
    {
      ...answering([1, DENIAL + 32, 4, 65_536, MEMORY_BYTES - 65_536]),
      memory: MEMORY,
    },
    '512 bytes',
  ),
  refused(
    'answers all of its memory as a code',
    { ...answering([1, 65_536, MEMORY_BYTES - 65_536, 0, 0]), memory: MEMORY },
    '35 characters',
  ),
  attack(
    'answers all of its memory as both',
    {
      ...answering([1, 65_536, MEMORY_BYTES - 65_536, 65_536, MEMORY_BYTES - 65_536]),
      memory: MEMORY,
    },
    'fuel_exhausted',
  ),

  attack(
    'traps after it has answered',
    {
      contract: '0.2.0',
      attack: `(return (i32.const ${VERDICT_AT}))`,
      postReturn: `
      (if (i32.eq (local.get $answer) (i32.const ${VERDICT_AT})) (then unreachable))`,
    },
    'trap',
  ),
  attack(
    'turns its denial into an approval after it has answered',
    {
      contract: '0.2.0',
      attack: `(return (i32.const ${DENIAL}))`,
      postReturn: `(i32.store8 (i32.const ${DENIAL}) (i32.const 0)) (i32.store8 (i32.const ${APPROVAL}) (i32.const 1))`,
    },
    'deny',
  ),
]);
