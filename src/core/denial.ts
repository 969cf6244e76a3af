// What a validator may say when it denies. The texts are hostile: they go into answers, and from there into logs, pages
// and other banks' systems. So a code is a short word that cannot be taken for one of the platform's, and a message is
// one line whose characters stand where they are written. What is outside makes the whole answer `bad_output`; nothing
// is cut or replaced, for a reason that was changed is not the bank's.

import { UNSPECIFIED_DENIAL } from './decision.ts';
import { FAILURE_CODES } from './failure.ts';
import { MAX_REASON_CODE_LENGTH, MAX_REASON_MESSAGE_BYTES } from './limits.ts';

/**
 * Visible ASCII that begins with an upper-case letter or a digit, as ISO 20022's codes do. Words that begin otherwise
 * are the platform's, those of today and those to come.
 */
const CODE = /^[A-Z0-9][\x21-\x7e]*$/;

/** For readers to whom `TRAP` is `trap`. */
const PLATFORM_CODES: ReadonlySet<string> = new Set([UNSPECIFIED_DENIAL.code, ...FAILURE_CODES]);

/**
 * Control characters (C0, DEL, C1), line and paragraph separators, and the marks by which text is shown in another order
 * than it is written (Unicode's Bidi_Control). Spelt out: what a property holds depends on an engine's Unicode version.
 */
const FORBIDDEN_IN_MESSAGES =
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** What is wrong with a denial, in words of our own; undefined where it may be passed on. */
export function faultOfDenial(code: string, message: string): string | undefined {
  if (code === '') return 'a reason without a code';
  if (code.length > MAX_REASON_CODE_LENGTH)
    return `a reason's code of more than ${MAX_REASON_CODE_LENGTH} characters`;
  if (!CODE.test(code)) return "a reason's code of other characters than are allowed";
  if (PLATFORM_CODES.has(code.toLowerCase())) return "a reason's code that is one of the platform's";
  // A UTF-16 code unit takes at least one byte: longer texts need no counting.
  if (message.length > MAX_REASON_MESSAGE_BYTES || byteLengthOf(message) > MAX_REASON_MESSAGE_BYTES)
    return `a reason's message of more than ${MAX_REASON_MESSAGE_BYTES} bytes`;
  if (!message.isWellFormed()) return "a reason's message that is no Unicode";
  if (FORBIDDEN_IN_MESSAGES.test(message)) return "a reason's message with control characters";
  return undefined;
}

function byteLengthOf(text: string): number {
  return new TextEncoder().encode(text).byteLength;
}
