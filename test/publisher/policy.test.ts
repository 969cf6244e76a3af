import { describe, expect, it } from 'vitest';
import { WasmpayError } from '../../src/core/error.ts';
import { CONTRACT_SHAPES } from '../../src/publisher/contract-shape.ts';
import { type InspectedImport, type Inspection } from '../../src/publisher/inspect.ts';
import { inspectComponent } from '../fixtures/shared-tools.ts';
import { applyPolicy, DEFAULT_POLICY, parsePolicy, type Policy } from '../../src/publisher/policy.ts';
import { componentFromWit, CONTRACT_VERSIONS, contractWit, plainValidator } from '../fixtures/components.ts';

const VALIDATION = 'wasmpay:platform/validation@0.1.0';

function imported(name: string, version = '0.2.6'): InspectedImport {
  return { interface: name, version, kind: 'instance', callable: true };
}

/** An inspection of a good validator with these imports and further exports. */
function inspection(
  imports: readonly InspectedImport[],
  exports: readonly string[] = [VALIDATION],
): Inspection {
  return {
    digest: `sha256:${'0'.repeat(64)}`,
    sizeBytes: 1,
    wit: '',
    imports,
    exports,
    coreModules: [],
    producers: [],
    toolchain: 'unknown',
    names: new Set(),
    makesHandles: false,
    validations: exports.includes(VALIDATION)
      ? [{ export: VALIDATION, shape: CONTRACT_SHAPES['wasmpay:platform@0.1.0'] }]
      : [],
  };
}

function faults(
  inspected: Inspection,
  { strict = false, policy = DEFAULT_POLICY }: { strict?: boolean; policy?: Policy } = {},
): string[][] {
  const result = applyPolicy(inspected, policy, { strict });
  return result.ok ? [] : result.refusals.map(({ code, where }) => [code, where]);
}

describe('the policy that comes with the gateway', () => {
  it('takes the smallest validator, strictly, and grants it nothing', async () => {
    const inspected = await inspectComponent(await plainValidator());
    if (!inspected.ok) throw new Error('not inspected');
    expect(applyPolicy(inspected.value, DEFAULT_POLICY, { strict: true })).toEqual({
      ok: true,
      value: {
        contract: 'wasmpay:platform@0.1.0',
        imports: [{ interface: 'wasmpay:platform/types', version: '0.1.0', tier: 'types' }],
        exports: [VALIDATION],
        grants: [],
      },
    });
  });

  it.each([
    ['granted', 'wasi:io/error'],
    ['granted', 'wasi:io/streams'],
    ['granted', 'wasi:cli/stdin'],
    ['granted', 'wasi:cli/stdout'],
    ['granted', 'wasi:cli/stderr'],
    ['granted', 'wasi:random/random'],
    ['granted', 'wasi:random/insecure-seed'],
    ['granted', 'wasi:clocks/wall-clock'],
    ['inert', 'wasi:io/poll'],
    ['inert', 'wasi:cli/environment'],
    ['inert', 'wasi:cli/exit'],
    ['inert', 'wasi:cli/terminal-stdout'],
    ['inert', 'wasi:filesystem/types'],
    ['inert', 'wasi:filesystem/preopens'],
  ])('%s: %s', (tier, name) => {
    const result = applyPolicy(inspection([imported(name)]), DEFAULT_POLICY, { strict: false });
    expect(result.ok && result.value.imports).toEqual([{ interface: name, version: '0.2.6', tier }]);
    expect(result.ok && result.value.grants).toEqual(tier === 'granted' ? [name] : []);
    expect(faults(inspection([imported(name)]), { strict: true })).toEqual(
      tier === 'granted' ? [] : [['import_inert_strict', `import ${name}@0.2.6`]],
    );
  });

  it.each([
    ['import_refused', 'wasi:http/outgoing-handler', '0.2.6'],
    ['import_refused', 'wasi:http/types', '0.3.0'],
    ['import_refused', 'wasi:sockets/tcp', '0.2.6'],
    ['import_refused', 'wasmcloud:messaging/consumer', '0.2.0'],
    ['import_refused', 'wasi:cli/stdout', '0.3.0'],
    ['import_refused', 'wasi:cli/stdout', '0.2.0-rc-2023-11-10'],
    ['import_refused', 'wasi:cli/stdout', '0.20.0'],
    ['import_unknown', 'wasi:cli/run', '0.2.6'],
    ['import_unknown', 'wasi:cli/stdout2', '0.2.6'],
    ['import_unknown', 'wasi:keyvalue/store', '0.2.0'],
    ['import_unknown', 'acme:bank/ledger', '1.0.0'],
  ])('%s: %s@%s', (code, name, version) => {
    expect(faults(inspection([imported(name, version)]))).toEqual([[code, `import ${name}@${version}`]]);
  });

  it('import_unknown: a plain function or type, and an interface without version', () => {
    const plainFunction: InspectedImport = { interface: 'log', version: '', kind: 'func', callable: true };
    expect(faults(inspection([plainFunction]))).toEqual([['import_unknown', 'import log']]);
    expect(faults(inspection([imported('wasi:cli/stdout', '')]))).toEqual([
      ['import_refused', 'import wasi:cli/stdout'],
    ]);
  });

  it('takes the types of each version of the contract, and of no other', () => {
    const types = (version: string) => ({ ...imported('wasmpay:platform/types', version), callable: false });
    for (const version of ['0.1.0', '0.2.0', '0.2.7'])
      expect(faults(inspection([types(version)])), version).toEqual([]);
    for (const version of ['0.3.0', '0.10.0', '0.20.0', '1.2.0', '0.1.x', '0.1.0, 0.2.0', ''])
      expect(faults(inspection([types(version)])), version).toEqual([
        ['import_refused', `import wasmpay:platform/types${version === '' ? '' : `@${version}`}`],
      ]);
  });

  it('import_refused: functions in an interface that holds only types', () => {
    expect(faults(inspection([imported('wasmpay:platform/types', '0.1.0')]))).toEqual([
      ['import_refused', 'import wasmpay:platform/types@0.1.0'],
    ]);
    expect(faults(inspection([{ ...imported('wasmpay:platform/types', '0.1.0'), callable: false }]))).toEqual(
      [],
    );
  });

  it('import_validation: a wrapper that was not composed, with what composes it', async () => {
    const inspected = await inspectComponent(await componentFromWit(contractWit(), 'validator-messenger'));
    if (!inspected.ok) throw new Error('not inspected');
    const result = applyPolicy(inspected.value, DEFAULT_POLICY, { strict: true });
    if (result.ok) throw new Error('accepted');
    expect(result.refusals.map(({ code, where }) => [code, where])).toEqual([
      ['import_validation', `import ${VALIDATION}`],
    ]);
    expect(result.refusals[0]?.fix).toContain('wasmpay compose validator.wasm --harness wrapper.wasm');
    expect(result.refusals[0]?.fix).toContain('wac plug');
  });

  it('no_validation_export', () => {
    expect(faults(inspection([], []))).toEqual([['no_validation_export', 'component']]);
    expect(faults(inspection([], ['init']))).toEqual([['no_validation_export', 'component']]);
  });

  it('takes the handler of the messaging world and the function that QuickJS leaves behind', () => {
    const exports = [VALIDATION, 'init', 'wasmcloud:messaging/handler@0.2.0'];
    const result = applyPolicy(inspection([], exports), DEFAULT_POLICY, { strict: true });
    expect(result.ok && result.value.exports).toEqual([
      'init',
      'wasmcloud:messaging/handler@0.2.0',
      VALIDATION,
    ]);
  });

  it.each([
    'run',
    'wasi:cli/run@0.2.6',
    'wasi:http/incoming-handler@0.2.0',
    'wasmcloud:messaging/handler@0.3.0',
    'init2',
  ])('export_not_allowed: %s', (name) => {
    expect(faults(inspection([], [VALIDATION, name]))).toEqual([['export_not_allowed', `export ${name}`]]);
  });

  it('interface_versions: two versions of one interface, imported or exported', () => {
    expect(
      faults(inspection([imported('wasi:io/error', '0.2.0'), imported('wasi:io/error', '0.2.6')])),
    ).toEqual([['interface_versions', 'import wasi:io/error']]);
    expect(
      faults(
        inspection(
          [],
          [VALIDATION, 'wasmcloud:messaging/handler@0.2.0', 'wasmcloud:messaging/handler@0.2.1'],
        ),
      ),
    ).toEqual([['interface_versions', 'export wasmcloud:messaging/handler']]);
    expect(
      faults(inspection([imported('wasi:io/error', '0.2.0'), imported('wasi:io/streams', '0.2.6')])),
    ).toEqual([]);
  });

  it('interface_versions: a component of both contracts, which could be either', async () => {
    const packages = [contractWit(), contractWit('0.2.0')]
      .map((wit) => wit.slice(0, wit.indexOf('package wasmcloud')))
      .map((wit) =>
        wit.replace(/^(package [^;]+);([^]*)$/m, '$1 {$2}').replace(/world validator-messenger[^}]*}/, ''),
      );
    const world = CONTRACT_VERSIONS.map((version) => `export wasmpay:platform/validation@${version};`).join(
      ' ',
    );
    const wit = `package test:w;\nworld w { ${world} }\n${packages.join('\n')}`;
    const inspected = await inspectComponent(await componentFromWit(wit, 'w'));
    if (!inspected.ok) throw new Error('not inspected');
    expect(inspected.value.validations).toHaveLength(2);
    expect(faults(inspected.value)).toEqual([
      ['interface_versions', 'import wasmpay:platform/types'],
      ['interface_versions', 'export wasmpay:platform/validation'],
    ]);
  });

  it('tells every fault at once', () => {
    const all = faults(
      inspection(
        [imported('wasi:http/types'), imported('acme:bank/ledger'), imported('wasi:io/poll')],
        ['run'],
      ),
      { strict: true },
    );
    expect(all.map(([code]) => code)).toEqual([
      'import_refused',
      'import_unknown',
      'import_inert_strict',
      'export_not_allowed',
      'no_validation_export',
    ]);
  });

  it('sorts imports, exports and grants, whatever the order of the binary', () => {
    const imports = [
      imported('wasi:random/random'),
      imported('wasi:clocks/wall-clock'),
      imported('wasi:io/poll'),
    ];
    const result = applyPolicy(inspection(imports, [VALIDATION, 'init']), DEFAULT_POLICY, { strict: false });
    if (!result.ok) throw new Error('refused');
    expect(result.value.imports.map((item) => item.interface)).toEqual([
      'wasi:clocks/wall-clock',
      'wasi:io/poll',
      'wasi:random/random',
    ]);
    expect(result.value.grants).toEqual(['wasi:clocks/wall-clock', 'wasi:random/random']);
  });
});

describe('a policy that an operator changed', () => {
  const base = { imports: [], exports: [] };
  const rule = { match: 'acme:bank/ledger', versions: '1.0.0', tier: 'granted', reason: 'Ours.' };

  it('can grant an interface of its own, in one version', () => {
    const policy = parsePolicy({ ...base, imports: [rule] });
    expect(faults(inspection([imported('acme:bank/ledger', '1.0.0')]), { policy })).toEqual([]);
    expect(faults(inspection([imported('acme:bank/ledger', '1.0.1')]), { policy })).toEqual([
      ['import_refused', 'import acme:bank/ledger@1.0.1'],
    ]);
  });

  it('can grant an interface of its own, in several versions', () => {
    const policy = parsePolicy({ ...base, imports: [{ ...rule, versions: '1.0.0, 1.2.x' }] });
    for (const version of ['1.0.0', '1.2.0', '1.2.9'])
      expect(faults(inspection([imported('acme:bank/ledger', version)]), { policy }), version).toEqual([]);
    for (const version of ['1.0.1', '1.1.0', '1.20.0'])
      expect(faults(inspection([imported('acme:bank/ledger', version)]), { policy })).toEqual([
        ['import_refused', `import acme:bank/ledger@${version}`],
      ]);
  });

  it('is decided by the longest rule that matches', () => {
    const policy = parsePolicy({
      ...base,
      imports: [
        { ...rule, match: 'acme:bank/*', tier: 'refused', versions: '*' },
        rule,
        { ...rule, match: 'acme:bank/led*', tier: 'refused', versions: '*' },
      ],
    });
    expect(faults(inspection([imported('acme:bank/ledger', '1.0.0')]), { policy })).toEqual([]);
    expect(faults(inspection([imported('acme:bank/other', '1.0.0')]), { policy })).toEqual([
      ['import_refused', 'import acme:bank/other@1.0.0'],
    ]);
  });

  it.each<[string, unknown]>([
    ['policy', null],
    ['policy', []],
    ['policy.extra', { ...base, extra: 1 }],
    ['imports', { exports: [] }],
    ['exports', { imports: [] }],
    ['imports[0]', { ...base, imports: ['x'] }],
    ['imports[0].tier', { ...base, imports: [{ ...rule, tier: 'allowed' }] }],
    ['imports[0].match', { ...base, imports: [{ ...rule, match: '*' }] }],
    ['imports[0].match', { ...base, imports: [{ ...rule, match: 'acme:*' }] }],
    ['imports[0].match', { ...base, imports: [{ ...rule, match: 'acme:bank/ledger@1.0.0' }] }],
    ['imports[0].versions', { ...base, imports: [{ ...rule, versions: '^1.0.0' }] }],
    ['imports[0].versions', { ...base, imports: [{ ...rule, versions: '1.0.0,1.2.x' }] }],
    ['imports[0].versions', { ...base, imports: [{ ...rule, versions: '1.0.0, ' }] }],
    ['imports[0].versions', { ...base, imports: [{ ...rule, versions: '1.0.0, *' }] }],
    ['imports[0].reason', { ...base, imports: [{ ...rule, reason: '' }] }],
    ['imports[0].tierr', { ...base, imports: [{ ...rule, tierr: 'granted' }] }],
    ['imports', { ...base, imports: [rule, rule] }],
    ['exports[0].name', { ...base, exports: [{ name: 'a/b', versions: '*', reason: 'r' }] }],
    ['exports[0].versions', { ...base, exports: [{ name: 'run', reason: 'r' }] }],
  ])('is refused with config_invalid, naming %s', (member, json) => {
    const error = (() => {
      try {
        return parsePolicy(json);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(WasmpayError);
    expect(error).toMatchObject({ code: 'config_invalid' });
    expect((error as WasmpayError).message).toContain(`policy: ${member} `);
  });
});
