// What a transaction must be, as data: which members it has, where they stand and what each is held to.
// parse-transaction holds a request to it, and the gateway's OpenAPI document is made of it. A table of rules, not an
// interpreter: the parser reads each member by name, which costs no more than rules written into it.

/** A member that is text: well-formed Unicode of at most MAX_STRING_BYTES. */
export interface TextRule {
  readonly kind: 'text';
  readonly name: string;
  /** RFC 6901. */
  readonly pointer: string;
  /** Whether '' is refused. */
  readonly mustNotBeEmpty: boolean;
  /** Whether it must be a bank's id, as core/bank has it. */
  readonly isBankId: boolean;
  /** For people. */
  readonly meaning: string;
}

/** The member that is an integer from MIN_AMOUNT to MAX_AMOUNT, as a JSON number or its digits as text. */
export interface AmountRule {
  readonly kind: 'amount';
  readonly name: string;
  readonly pointer: string;
  readonly meaning: string;
}

/** A member with members. All of them are required, others are ignored. */
export interface ObjectRule<Members extends MemberRules> {
  readonly kind: 'object';
  readonly name: string;
  readonly pointer: string;
  readonly meaning: string;
  readonly members: Members;
}

export type MemberRule = TextRule | AmountRule | ObjectRule<MemberRules>;

/** Rules by the member's name, in the order in which faults are reported. */
export interface MemberRules {
  readonly [name: string]: MemberRule;
}

/** The members of a bank. Source: record `bank` of wasmpay:platform/types. */
export interface BankMembers extends MemberRules {
  readonly id: TextRule;
  readonly name: TextRule;
  readonly country: TextRule;
  readonly currency: TextRule;
}

function textRule(
  pointer: string,
  meaning: string,
  { mustNotBeEmpty = false, isBankId = false }: Partial<TextRule> = {},
): TextRule {
  return { kind: 'text', name: nameOf(pointer), pointer, mustNotBeEmpty, isBankId, meaning };
}

function objectRule<Members extends MemberRules>(
  pointer: string,
  meaning: string,
  members: Members,
): ObjectRule<Members> {
  return { kind: 'object', name: nameOf(pointer), pointer, meaning, members };
}

function bankRule(pointer: string, meaning: string, isBankId: boolean): ObjectRule<BankMembers> {
  return objectRule(pointer, meaning, {
    id: textRule(`${pointer}/id`, "The bank's id", { mustNotBeEmpty: true, isBankId }),
    name: textRule(`${pointer}/name`, "The bank's name"),
    country: textRule(`${pointer}/country`, "The bank's country, ISO 3166"),
    currency: textRule(`${pointer}/currency`, "The bank's currency, ISO 4217"),
  });
}

function nameOf(pointer: string): string {
  return pointer.slice(pointer.lastIndexOf('/') + 1);
}

/** A transaction. Source: record `transaction` of wasmpay:platform/types. */
export const TRANSACTION_RULES = objectRule('', 'One payment from an origin bank to a destination bank', {
  id: textRule('/id', "The payment's id", { mustNotBeEmpty: true }),
  origin: bankRule('/origin', 'The bank that the payment comes from', false),
  destination: bankRule('/destination', 'The bank that is asked', true),
  amount: objectRule('/amount', 'The sum', {
    name: textRule('/amount/name', "The currency's name"),
    symbol: textRule('/amount/symbol', "The currency's symbol"),
    amount: {
      kind: 'amount',
      name: 'amount',
      pointer: '/amount/amount',
      meaning: "The sum in the currency's minor unit",
    } satisfies AmountRule,
  }),
  status: textRule('/status', 'What state the payment is in'),
});
