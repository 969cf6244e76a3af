// Where a fault of a module in Python is, by what componentize-py prints.

import { describe, expect, it } from 'vitest';

import { readPythonFault } from '../../src/authoring/python-fault.ts';

/** The tool's own traceback, around that of the modules. */
const said = (modules: string): string =>
  `Traceback (most recent call last):\n  File "<string>", line 6, in <module>\n    script()\nAssertionError: ${modules}\n\n\nCaused by:\n    ${modules}\n\nStack backtrace:\n   0: <anyhow::Error>::msg\n`;
const TRACEBACK =
  'Traceback (most recent call last):\n  File "/0/wasmpay_entry.py", line 27, in <module>\n    check = importlib\n';

describe('a fault in Python', () => {
  it('is at the innermost place of the author’s', () => {
    const frames =
      '  File "/1/validator.py", line 3, in <module>\n    import rules\n  File "/1/rules/a.py", line 12, in <module>\n    x = y\n        ^\n';
    const inner = '  File "/python/lib/python3.14/json.py", line 9, in loads\n';
    const text = said(`${TRACEBACK}${frames}${inner}ValueError: two\nlines`);
    expect(readPythonFault(text, 'validator.py')).toBe('rules/a.py:12:1: ValueError: two\n lines');
  });

  it('is at the line of a syntax error, which no frame is at', () => {
    const text = said(
      `${TRACEBACK}  File "/1/validator.py", line 4\n    x = (\n        ^\nSyntaxError: '(' was never closed`,
    );
    expect(readPythonFault(text, 'validator.py')).toBe("validator.py:4:1: SyntaxError: '(' was never closed");
  });

  it('is at the source where the entry finds it', () => {
    const text = said(`${TRACEBACK}ImportError: wasmpay: the contract asks for \`validate\``);
    expect(readPythonFault(text, 'rules/v.py')).toBe('rules/v.py:1:1: the contract asks for `validate`');
  });

  it('is none where the tool itself failed', () => {
    expect(readPythonFault(said('no such world'), 'validator.py')).toBeUndefined();
    expect(readPythonFault("thread 'main' panicked at src/lib.rs", 'validator.py')).toBeUndefined();
    expect(readPythonFault('', 'validator.py')).toBeUndefined();
  });

  it('has a message of bounded length', () => {
    const text = said(`${TRACEBACK}ValueError: ${'x'.repeat(100_000)}`);
    expect(readPythonFault(text, 'validator.py')?.length).toBeLessThan(2100);
  });
});
