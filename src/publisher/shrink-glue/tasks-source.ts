// Functions of ours in glue without tasks (tasks): what a component's calls need when none of them waits. The glue check
// knows them word for word (glue-intrinsics).

/** Statements, to stand first in `instantiate`. */
export const TASKS_SOURCE = `
const _context = [0, 0];
const _entered = [];
function _enterComponent(component) {
  if (_entered.length !== 0) throw new WebAssembly.RuntimeError('wasm trap: cannot enter component instance');
  _entered.push(component, 0, 0);
  _context[0] = 0;
  _context[1] = 0;
}
function _leaveComponent() {
  _entered.length = 0;
}
function _isTrap(error) {
  return error instanceof WebAssembly.RuntimeError;
}
`;

/**
 * Bodies for functions of jco's, by name. A call between composed components enters the callee, unless it is entered,
 * and leaves it with the caller's context. A trap leaves nothing: the instance is then never entered again.
 */
export const TASK_BODIES: Readonly<Record<string, string>> = {
  _symmetricSyncGuestCallEnter: `{
    if (calleeIsAsync) throw new WebAssembly.RuntimeError('synchronous glue cannot wait');
    for (let at = 0; at < _entered.length; at += 3) {
      if (_entered[at] === calleeComponentIdx)
        throw new WebAssembly.RuntimeError('wasm trap: cannot enter component instance');
    }
    _entered.push(calleeComponentIdx, _context[0], _context[1]);
    _context[0] = 0;
    _context[1] = 0;
    return 1;
  }`,
  _symmetricSyncGuestCallExit: `{
    _context[1] = _entered.pop();
    _context[0] = _entered.pop();
    _entered.pop();
  }`,
  contextGet: '{ return _context[ctx.slot]; }',
  contextSet: '{ _context[ctx.slot] = value; }',
};
