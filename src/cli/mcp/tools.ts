// The tools of `wasmpay mcp`: what an agent needs to get from the contract to a release that waits for a person. Each answers
// with JSON, as structured content and as text; what an author did wrong is an error result with the code and the place.

import { McpServer, type CallToolResult } from '@modelcontextprotocol/server';
import * as z from 'zod';

import { isDigest } from '../../artifact/digest.ts';
import { buildSource } from '../../authoring/build-source.ts';
import { parseCases } from '../../authoring/cases.ts';
import { findContract } from '../../authoring/contract.ts';
import { findLanguage, LANGUAGES } from '../../authoring/languages/registry.ts';
import { DEFAULT_CONTRACT } from '../../authoring/new-project.ts';
import { composePrompt } from '../../authoring/prompt.ts';
import { slugOf } from '../../core/bank.ts';
import { WasmpayError } from '../../core/error.ts';
import { inspectComponent } from '../../publisher/inspect.ts';
import { applyPolicy, tierOf, type Policy } from '../../publisher/policy.ts';
import { publishCandidate } from '../../publisher/publish.ts';
import type { ReleaseDesk } from '../../publisher/releases/next-release.ts';
import { activateCandidate } from '../../publisher/releases/activate.ts';
import { faultsOf } from '../author/describe-faults.ts';
import { isGood, testComponent } from '../author/run-cases.ts';
import { TRIAL_SCRIPT } from '../publish.ts';
import type { parseTerms } from '../terms.ts';
import { createComponentShelf, type ComponentShelf } from './component-shelf.ts';
import { explainCode, EXPLAINED_CODES } from './explanations.ts';

/** What the tools work with: chosen by the person who starts the server, and by nobody else. */
export interface Workplace {
  /** Opens the target; asked for when something is to be published. Throws as `openDesk`. */
  readonly openDesk: () => Promise<ReleaseDesk>;
  readonly policy: Policy;
  readonly terms: ReturnType<typeof parseTerms>;
  /** The command with which a person activates what waits. */
  readonly activationOf: (bank: string, artifact: `sha256:${string}`) => string;
  /** Slugs of the banks that agents may publish to; undefined: any, for what is published waits for a person. */
  readonly banks: ReadonlySet<string> | undefined;
  /** Whether agents may activate by themselves. */
  readonly allowActivate: boolean;
}

export interface ToolSet {
  /** A server with all tools, for one connection or one request. What was built is the same for all of them. */
  createServer(): McpServer;
}

const SERVER = { name: 'wasmpay', version: '1' } as const;

const INSTRUCTIONS =
  'Writes validators, components that decide about payments to a bank. Read the contract, build source, mend what the errors ' +
  'say, test with cases at and beyond each limit of the rule, then publish. A person activates what was published.';

/** Longest source that is built, characters. */
const MAX_SOURCE_LENGTH = 512 * 1024;
const MAX_CASES_LENGTH = 2 * 1024 * 1024;

const languageName = z.enum(LANGUAGES.map(({ name }) => name) as [string, ...string[]]);
const componentName = z.string().max(80).describe('The name that build_validator gave: sha256:…');
const bankId = z.string().min(1).max(63).describe('Bank id, as transactions name it in destination.id');

export function createToolSet(workplace: Workplace): ToolSet {
  const shelf = createComponentShelf();
  const queue = createQueue();
  return {
    createServer() {
      const server = new McpServer(SERVER, { instructions: INSTRUCTIONS });
      addAuthorTools(server, workplace, shelf, queue);
      addReleaseTools(server, workplace, shelf, queue);
      return server;
    },
  };
}

function addAuthorTools(
  server: McpServer,
  { policy, terms }: Workplace,
  shelf: ComponentShelf,
  queue: Queue,
): void {
  server.registerTool(
    'read_contract',
    {
      title: 'Read the contract',
      description:
        'The contract that a validator is written to, the rules of the sandbox, and an example in one language.',
      inputSchema: z.object({
        language: languageName.default('typescript'),
        contract: z
          .enum(['0.1.0', '0.2.0'])
          .default(DEFAULT_CONTRACT)
          .describe('0.2.0 has reasons for denials'),
        bank: bankId.default('mybank'),
      }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ language, contract, bank }) =>
      answer(async () => {
        const text = await composePrompt({
          language: findLanguage(language),
          contract: findContract(`wasmpay:platform@${contract}`),
          bank,
        });
        return { text };
      }),
  );

  server.registerTool(
    'build_validator',
    {
      title: 'Build a validator',
      description:
        'Compiles one source file to a component and inspects it. Faults come with file, line and column.',
      inputSchema: z.object({
        source: z.string().min(1).max(MAX_SOURCE_LENGTH).describe('The whole of the source file'),
        language: languageName.default('typescript'),
        contract: z.enum(['0.1.0', '0.2.0']).optional(),
        bank: bankId,
      }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ source, language, contract, bank }) =>
      answer(() =>
        queue(async () => {
          const built = await buildSource({ source, bank, contract, language: findLanguage(language) });
          const component = await shelf.put(built.component);
          return {
            component,
            compilers: built.toolchain,
            log: built.log,
            ...(await describe(built.component)),
          };
        }),
      ),
  );

  server.registerTool(
    'inspect_component',
    {
      title: 'Inspect a component',
      description:
        'Imports with their tiers, exports, size and toolchain, and why it would not be published.',
      inputSchema: z.object({ component: componentName }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ component }) => answer(async () => describe(shelf.take(component))),
  );

  server.registerTool(
    'test_validator',
    {
      title: 'Test a validator',
      description:
        'Runs cases on the production sandbox under the limits of a release: decision, reason, fuel, memory and output of each. ' +
        "Without cases the publisher's probes alone are run.",
      inputSchema: z.object({
        component: componentName,
        cases: z
          .string()
          .max(MAX_CASES_LENGTH)
          .optional()
          .describe(
            'Text of a cases.json: {"cases":[{"name","expect":"approve"|"deny","reason"?:{"code"},"transaction":{…}}]}',
          ),
      }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ component, cases }) =>
      answer(() =>
        queue(async () => {
          const asked = cases === undefined ? [] : parseCases(cases, 'cases.json');
          const report = await testComponent(
            { component: shelf.take(component), policy, limits: terms.limits },
            asked,
          );
          return {
            passed: isGood(report),
            refusals: report.refusals,
            trial: report.trial ?? null,
            cases: report.cases,
          };
        }),
      ),
  );

  server.registerTool(
    'explain_failure',
    {
      title: 'Explain a code',
      description: `What a failure, refusal or error code means and what to do about it: ${EXPLAINED_CODES.join(', ')}, and those of errors.`,
      inputSchema: z.object({ code: z.string().max(60) }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    ({ code }) =>
      answer(async () => {
        const explanation = explainCode(code);
        if (explanation !== undefined) return { code, explanation };
        throw new WasmpayError(
          'usage',
          'there is no more to say about this code than its message and its fix',
        );
      }),
  );

  const describe = async (component: Uint8Array<ArrayBuffer>): Promise<object> => {
    const inspected = await inspectComponent(component);
    const decided = inspected.ok ? applyPolicy(inspected.value, policy, { strict: terms.strict }) : inspected;
    return {
      sizeBytes: component.byteLength,
      publishable: decided.ok,
      refusals: decided.ok ? [] : decided.refusals,
      ...(inspected.ok && {
        toolchain: inspected.value.toolchain,
        imports: inspected.value.imports.map((entry) => ({ ...entry, tier: tierOf(entry, policy) })),
        exports: inspected.value.exports,
      }),
    };
  };
}

function addReleaseTools(server: McpServer, workplace: Workplace, shelf: ComponentShelf, queue: Queue): void {
  const { openDesk, policy, terms, activationOf, allowActivate, banks } = workplace;
  const requireBank = (bank: string): void => {
    if (banks === undefined || banks.has(slugOf(bank) ?? '')) return;
    throw new WasmpayError('usage', `this server publishes to ${[...banks].join(', ')} only`);
  };
  const common = async () => ({
    ...(await openDesk()),
    ...terms,
    policy,
    trialScript: TRIAL_SCRIPT,
    stopwatch: () => performance.now(),
  });

  server.registerTool(
    'publish_validator',
    {
      title: 'Publish a validator',
      description:
        'Stores a component for a bank, unsigned and without effect, until a person activates it with the command in the answer.',
      inputSchema: z.object({ component: componentName, bank: bankId }),
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: true,
        openWorldHint: false,
      },
    },
    ({ component, bank }) =>
      answer(() =>
        queue(async () => {
          requireBank(bank);
          const waiting = await publishCandidate({
            ...(await common()),
            bankId: bank,
            component: shelf.take(component),
          });
          if (!waiting.ok) return { published: false, refusals: waiting.refusals };
          const { candidate, changes, previous } = waiting.value;
          return {
            published: true,
            activated: false,
            artifact: candidate.artifact,
            instead_of: previous?.number ?? null,
            changes,
            activation: activationOf(bank, candidate.artifact),
          };
        }),
      ),
  );
  if (!allowActivate) return;

  server.registerTool(
    'activate_release',
    {
      title: 'Activate a release',
      description:
        'Releases what publish_validator stored: gateways run it within 30 seconds. What imports more than its predecessor is for a person.',
      inputSchema: z.object({ bank: bankId, artifact: z.string().max(80) }),
      annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: true },
    },
    ({ bank, artifact }) =>
      answer(() =>
        queue(async () => {
          requireBank(bank);
          if (!isDigest(artifact))
            throw new WasmpayError('usage', 'artifact is what publish_validator gave: sha256:…');
          const released = await activateCandidate({ ...(await common()), bankId: bank, artifact });
          if (!released.ok) return { activated: false, refusals: released.refusals };
          return { activated: true, release: released.value.release, changes: released.value.changes };
        }),
      ),
  );
}

/** Runs one piece of work after the other: each takes all of the machine that it can get. */
type Queue = <T>(work: () => Promise<T>) => Promise<T>;

function createQueue(): Queue {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const next = last.then(work, work);
    last = next.catch(() => {});
    return next;
  };
}

/** The result of a tool: what `work` gives, or what it throws where that is the caller's to mend. A bug ends as one. */
async function answer(work: () => Promise<object>): Promise<CallToolResult> {
  try {
    const value = await work();
    return resultOf(
      'text' in value && typeof value.text === 'string' ? value.text : undefined,
      value,
      isRefusal(value),
    );
  } catch (error) {
    if (!(error instanceof WasmpayError)) throw error;
    return resultOf(
      undefined,
      { error: { code: error.code, message: error.message, ...faultsOf(error) } },
      true,
    );
  }
}

function isRefusal(value: object): boolean {
  return (
    ('published' in value && value.published === false) ||
    ('activated' in value && !('published' in value) && value.activated === false)
  );
}

function resultOf(text: string | undefined, value: object, isError: boolean): CallToolResult {
  const json = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
  return {
    content: [{ type: 'text', text: text ?? JSON.stringify(json, null, 1) }],
    structuredContent: json,
    ...(isError && { isError }),
  };
}
