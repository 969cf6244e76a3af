// The messaging half of world `validator-messenger`: `handle-message` of wasmcloud:messaging/handler@0.2.0. Nothing serves
// it, so there is one answer, an error that says so; the message is not looked at. Served, it would need what this library
// does not have: a transaction's form as bytes, and who may send one.

/** `result<_, string>` as the canonical ABI has it, 12 bytes aligned to 4: the case, then pointer and size of the error. */
export class MessageResult {
  private kind: u32 = 0;
  private errorPointer: usize = 0;
  private errorSize: usize = 0;

  private constructor() {}

  /** The message was not taken. */
  static refuse(why: string): MessageResult {
    const result = new MessageResult();
    const bytes = String.UTF8.encode(why);
    result.kind = 1;
    result.errorPointer = changetype<usize>(bytes);
    result.errorSize = <usize>bytes.byteLength;
    return result;
  }
}
