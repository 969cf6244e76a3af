// What other systems call a reason: for each code of a bank's denial and each failure, an ISO 20022 status reason
// (ExternalStatusReason1Code) and an ISO 8583 response code (data element 39, of 1987, two characters). The table is
// data; docs/reason-codes.md shows it.
//
// "The bank denied" and "we could not ask" share no code, so that a processor can route on one of them alone. Whatever
// a validator says, it gets none of a failure's.

import { UNSPECIFIED_DENIAL } from './decision.ts';
import type { FailureCode } from './failure.ts';

/** What a reason is called elsewhere. */
export interface StatusCodes {
  /** ISO 20022 ExternalStatusReason1Code. */
  readonly iso20022: string;
  /** ISO 8583:1987 data element 39. */
  readonly de39: string;
}

/** A reason that a bank may give. Its ISO 20022 code is its key. */
export interface DenialReason {
  /** The name in the external code set of ISO 20022. */
  readonly name: string;
  readonly de39: string;
}

/** Codes that a validator may deny with and that have a counterpart of their own, in the order of the alphabet. */
export const DENIAL_REASONS: Readonly<Record<string, DenialReason>> = {
  AC01: { name: 'IncorrectAccountNumber', de39: '14' },
  AC02: { name: 'InvalidDebtorAccountNumber', de39: '14' },
  AC03: { name: 'InvalidCreditorAccountNumber', de39: '14' },
  AC04: { name: 'ClosedAccountNumber', de39: '14' },
  AC05: { name: 'ClosedDebtorAccountNumber', de39: '14' },
  AC06: { name: 'BlockedAccount', de39: '62' },
  AC07: { name: 'ClosedCreditorAccountNumber', de39: '14' },
  AC09: { name: 'InvalidAccountCurrency', de39: '57' },
  AC10: { name: 'InvalidDebtorAccountCurrency', de39: '57' },
  AC11: { name: 'InvalidCreditorAccountCurrency', de39: '57' },
  AC12: { name: 'InvalidAccountType', de39: '57' },
  AC13: { name: 'InvalidDebtorAccountType', de39: '57' },
  AC14: { name: 'InvalidCreditorAccountType', de39: '57' },
  AC16: { name: 'CardNumberInvalid', de39: '14' },
  AG01: { name: 'TransactionForbidden', de39: '57' },
  AG02: { name: 'InvalidBankOperationCode', de39: '12' },
  AG03: { name: 'TransactionNotSupported', de39: '40' },
  AG04: { name: 'InvalidAgentCountry', de39: '12' },
  AG05: { name: 'InvalidDebtorAgentCountry', de39: '12' },
  AG06: { name: 'InvalidCreditorAgentCountry', de39: '12' },
  AGNT: { name: 'IncorrectAgent', de39: '15' },
  AM01: { name: 'ZeroAmount', de39: '13' },
  AM02: { name: 'NotAllowedAmount', de39: '61' },
  AM03: { name: 'NotAllowedCurrency', de39: '57' },
  AM04: { name: 'InsufficientFunds', de39: '51' },
  AM05: { name: 'Duplication', de39: '94' },
  AM06: { name: 'TooLowAmount', de39: '13' },
  AM07: { name: 'BlockedAmount', de39: '93' },
  AM09: { name: 'WrongAmount', de39: '13' },
  AM11: { name: 'InvalidTransactionCurrency', de39: '12' },
  AM12: { name: 'InvalidAmount', de39: '13' },
  AM13: { name: 'AmountExceedsClearingSystemLimit', de39: '61' },
  AM14: { name: 'AmountExceedsAgreedLimit', de39: '61' },
  AM15: { name: 'AmountBelowClearingSystemMinimum', de39: '13' },
  AM21: { name: 'LimitExceeded', de39: '61' },
  AM23: { name: 'AmountExceedsSettlementLimit', de39: '61' },
  BE01: { name: 'InconsistentWithEndCustomer', de39: '12' },
  BE06: { name: 'UnknownEndCustomer', de39: '14' },
  CURR: { name: 'IncorrectCurrency', de39: '12' },
  CUST: { name: 'RequestedByCustomer', de39: '17' },
  DT01: { name: 'InvalidDate', de39: '12' },
  DUPL: { name: 'DuplicatePayment', de39: '94' },
  FR01: { name: 'Fraud', de39: '59' },
  FRAD: { name: 'FraudulentOrigin', de39: '59' },
  MD01: { name: 'NoMandate', de39: '57' },
  MD07: { name: 'EndCustomerDeceased', de39: '62' },
  MS02: { name: 'NotSpecifiedReasonCustomerGenerated', de39: '05' },
  MS03: { name: 'NotSpecifiedReasonAgentGenerated', de39: '05' },
  NARR: { name: 'Narrative', de39: '05' },
  RC01: { name: 'BankIdentifierIncorrect', de39: '15' },
  RC03: { name: 'InvalidDebtorBankIdentifier', de39: '15' },
  RC04: { name: 'InvalidCreditorBankIdentifier', de39: '15' },
  RR01: { name: 'MissingDebtorAccountOrIdentification', de39: '30' },
  RR02: { name: 'MissingDebtorNameOrAddress', de39: '30' },
  RR03: { name: 'MissingCreditorNameOrAddress', de39: '30' },
  RR04: { name: 'RegulatoryReason', de39: '93' },
};

/**
 * Any other code of a bank's: its own ones, and those of ISO 20022 that are not above, among them all that mean that
 * somebody could not be reached. `NARR` sends readers to the words beside it.
 */
export const OTHER_DENIAL: StatusCodes = { iso20022: 'NARR', de39: '05' };

/** A denial of a validator whose contract has no reasons. */
export const UNSPECIFIED_STATUS: StatusCodes = { iso20022: 'MS03', de39: '05' };

/**
 * Failures. AB06 is TimeoutInstructedAgent, AB07 OfflineAgent, AB10 ErrorInstructedAgent, AG10 AgentSuspended; 68 is
 * "response received too late", 91 "issuer or switch inoperative", 96 "system malfunction". A failure that the same
 * transaction meets again is 96: asking once more does not help.
 */
export const FAILURE_STATUS: Readonly<Record<FailureCode, StatusCodes>> = {
  trap: { iso20022: 'AB10', de39: '96' },
  fuel_exhausted: { iso20022: 'AB10', de39: '96' },
  memory_exceeded: { iso20022: 'AB10', de39: '96' },
  capability_denied: { iso20022: 'AB10', de39: '96' },
  deadline_exceeded: { iso20022: 'AB06', de39: '68' },
  bad_output: { iso20022: 'AB10', de39: '96' },
  load_failed: { iso20022: 'AB07', de39: '91' },
  paused: { iso20022: 'AB07', de39: '91' },
  share_exceeded: { iso20022: 'AB07', de39: '91' },
  disabled: { iso20022: 'AG10', de39: '91' },
  no_validator: { iso20022: 'AB10', de39: '96' },
};

/** What a denial with `code` is called. Never one of a failure's. */
export function statusOfDenial(code: string): StatusCodes {
  if (code === UNSPECIFIED_DENIAL.code) return UNSPECIFIED_STATUS;
  const known = Object.hasOwn(DENIAL_REASONS, code) ? DENIAL_REASONS[code] : undefined;
  return known === undefined ? OTHER_DENIAL : { iso20022: code, de39: known.de39 };
}

/** What a failure is called. Never one of a denial's. */
export function statusOfFailure(code: FailureCode): StatusCodes {
  return FAILURE_STATUS[code];
}
