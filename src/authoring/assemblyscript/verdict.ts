// Variant `verdict` of wasmpay:platform/types@0.2.0, laid out as the canonical ABI has it, 20 bytes aligned to 4: the
// case's number, then pointer and size of code and of message. So a reference to one is what the host is given.

/** What a validator of contract 0.2.0 answers: `Verdict.approve()`, or `Verdict.deny('AM04', 'too little money')`. */
export class Verdict {
  private kind: u32 = 0;
  private codePointer: usize = 0;
  private codeSize: usize = 0;
  private messagePointer: usize = 0;
  private messageSize: usize = 0;

  private constructor() {}

  /** The transaction may pass. */
  static approve(): Verdict {
    return new Verdict();
  }

  /**
   * It may not. `code` is an ISO 20022 status reason code or one of your own: 1 to 35 visible ASCII characters that begin
   * with an upper-case letter or a digit. `message` is for people: one line of at most 512 bytes, or nothing.
   */
  static deny(code: string, message: string = ''): Verdict {
    const verdict = new Verdict();
    const codeBytes = String.UTF8.encode(code);
    const messageBytes = String.UTF8.encode(message);
    verdict.kind = 1;
    verdict.codePointer = changetype<usize>(codeBytes);
    verdict.codeSize = <usize>codeBytes.byteLength;
    verdict.messagePointer = changetype<usize>(messageBytes);
    verdict.messageSize = <usize>messageBytes.byteLength;
    return verdict;
  }

  /** Whether it approves: for a harness, which is given another validator's. */
  get approves(): bool {
    return this.kind == 0;
  }
}
