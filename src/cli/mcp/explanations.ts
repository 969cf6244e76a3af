// What a code means and what to do about it, for authors: of failures in the sandbox, of refusals, of errors. A code that is
// added without a sentence here does not compile.

import type { ErrorCode } from '../../core/error.ts';
import type { FailureCode } from '../../core/failure.ts';
import type { RefusalCode } from '../../publisher/refusal.ts';
import { describeHint } from '../hints.ts';

const FAILURES: Readonly<Record<FailureCode, string>> = {
  trap: 'The validator trapped: an index out of bounds, a division by zero, an assertion or an error that nobody caught. Handle the input that leads there; run it as a case to see what was printed.',
  fuel_exhausted:
    'The call took more fuel than it has: mostly a loop that does not end, or work that grows with the length of a text. Bound loops, and do not build large strings.',
  memory_exceeded:
    'The validator asked for more memory or table elements than it has. Allocate less, and nothing that grows with the input.',
  capability_denied:
    'The validator called something that the sandbox does not give: a file, the network, the environment. Remove the call; the contract is all there is.',
  deadline_exceeded:
    'The call came too late for its request. Nothing is wrong with the validator, unless it is slow in every case.',
  bad_output:
    'The answer is outside the contract: a reason code that is not 1 to 35 visible ASCII characters beginning with an upper-case letter or a digit, a message of more than one line or 512 bytes, a text that is no UTF-8. Mend the denial.',
  load_failed:
    'No instance could be made: the artifact could not be read, or its start or its initialization failed. Do no work outside of the function.',
  paused:
    'The validator hit its limits several times in a row and is left alone for a while. Mend what hits them first.',
  share_exceeded:
    'The bank used more than its share of the gateway while others were asking. Make the validator cheaper.',
  no_validator: 'The release says that the bank has no validator. Publish one.',
  disabled: 'The bank is switched off. A person switches it on again: wasmpay enable BANK.',
};

const REFUSALS: Readonly<Partial<Record<RefusalCode, string>>> = {
  import_unknown:
    'The component imports an interface that the platform does not know. Do not use packages or functions of the system.',
  import_refused:
    'The component imports what validators never get, such as the network. Remove what uses it.',
  import_inert_strict:
    'The component imports what is there without doing anything, and --strict takes none of that.',
  imports_grew:
    'The component imports what its predecessor did not. A person has to accept that: wasmpay activate … --accept-imports.',
  trial_failed:
    'The component did not answer the probe payments within its limits, or not the same twice. Answer all of them: the probes are ordinary and extreme payments.',
  validation_shape:
    'The function or its types differ from the contract. Use the types of the contract as they are.',
  no_validation_export: 'The component does not export the contract. Export it in the form of the example.',
  too_large:
    'The component is larger than one may be. Use a smaller language runtime, or fewer dependencies.',
};

/** Codes that are explained beside those of refusals, which explain themselves, and errors. */
export function explainCode(code: string): string | undefined {
  if (Object.hasOwn(FAILURES, code)) return FAILURES[code as FailureCode];
  if (Object.hasOwn(REFUSALS, code)) return REFUSALS[code as RefusalCode];
  return describeHint(code as ErrorCode, 'mcp');
}

/** For the description of the tool. */
export const EXPLAINED_CODES: readonly string[] = [...Object.keys(FAILURES), ...Object.keys(REFUSALS)];
