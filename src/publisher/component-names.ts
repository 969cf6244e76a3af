// The gate for names. jco writes names of core modules into its glue without escaping them, so a name is an
// attacker's way to JavaScript: what passes here can only ever be an inert single-quoted string or identifier.
// Names of the component model must be what the WIT grammar allows; jco turns them into identifiers.

import { METER_PREFIX } from '../artifact/meter-abi.ts';
import type { BinaryName, NameKind } from './component-definitions.ts';
import { quote, type Refusal } from './refusal.ts';

/**
 * Longest name, characters. Mangled C++ symbols and `[async-lower]…` names stay under 300; a longer one buys an
 * attacker room and a toolchain nothing.
 */
export const MAX_NAME_LENGTH = 512;

/** Most names that one refusal lists: a fault that is everywhere need not be told 100,000 times. */
export const MAX_REPORTED_NAMES = 20;

/**
 * What toolchains write into core names, and no more: letters, digits and `_ . : - / @ # | [ ] $ +`. Seen in
 * `cm32p2|wasi:io/poll@0.2|poll` (wit-bindgen), `[method]output-stream.write`, `$root`, `GOT.mem`,
 * `wasmpay:platform/validation@0.1.0#validate` (wit-component); `+` is semver's build metadata. None of them ends
 * a single-quoted string, starts an escape or a template's expression, or leaves ASCII. Empty names are common.
 */
const CORE_NAME = /^[A-Za-z0-9_.:\-/@#|[\]$+]*$/;

/** Words that reach JavaScript's own objects when they become property names. jco lowers the case of labels. */
const RESERVED = new Set(['__proto__', 'constructor', 'prototype']);

const LABEL = '(?:[a-z][a-z0-9]*|[A-Z][A-Z0-9]*)(?:-(?:[a-z0-9]+|[A-Z0-9]+))*';
const LOWER_LABEL = '[a-z][a-z0-9]*(?:-[a-z0-9]+)*';
const NUMBER = '(?:0|[1-9][0-9]*)';
const IDENTIFIER = `(?:${NUMBER}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)`;
const SEMVER = `${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-${IDENTIFIER}(?:\\.${IDENTIFIER})*)?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?`;

const LABEL_ONLY = new RegExp(`^${LABEL}$`);
// Plain and annotated labels. Explainer.md, "Import and Export Definitions": plainname, interfacename.
const PLAIN_NAME = new RegExp(
  `^(?:(?:\\[constructor\\])?(${LABEL})|\\[(?:method|static)\\](${LABEL})\\.(${LABEL}))$`,
);
const INTERFACE_NAME = new RegExp(`^(${LOWER_LABEL}):(${LOWER_LABEL})/(${LABEL})(?:@(${SEMVER}))?$`);

/** An interface's name in its parts. */
export interface InterfaceName {
  /** Without version: `wasi:cli/stdout`. */
  readonly interface: string;
  /** Empty where the name has none. */
  readonly version: string;
}

/** The parts of an interface name such as `wasi:cli/stdout@0.2.3`; undefined where `name` is a plain one. */
export function parseInterfaceName(name: string): InterfaceName | undefined {
  const match = INTERFACE_NAME.exec(name);
  if (match === null) return undefined;
  return { interface: `${match[1]}:${match[2]}/${match[3]}`, version: match[4] ?? '' };
}

/** The names that each kind may have. A table, so that a kind cannot be forgotten. */
const CHECKS: Record<NameKind, (value: string) => boolean> = {
  'core import module': isCoreName,
  'core import field': isCoreName,
  'core export': isCoreName,
  'core inline export': isCoreName,
  'core instantiation argument': isCoreName,
  'core alias': isCoreName,
  'module type import module': isCoreName,
  'module type import field': isCoreName,
  'module type export': isCoreName,
  'record field': isLabel,
  'variant case': isLabel,
  flag: isLabel,
  'enum case': isLabel,
  parameter: isLabel,
  import: isExternName,
  export: isExternName,
  'inline export': isExternName,
  'instantiation argument': isExternName,
  alias: isExternName,
  'type import': isExternName,
  'type export': isExternName,
};

/** Whether a name of this kind may reach glue. */
export function isSafeName(kind: NameKind, value: string): boolean {
  return value.length <= MAX_NAME_LENGTH && CHECKS[kind](value);
}

function isCoreName(value: string): boolean {
  // Names of the metering are between the publisher and the host.
  return CORE_NAME.test(value) && !RESERVED.has(value) && !value.startsWith(METER_PREFIX);
}

function isLabel(value: string): boolean {
  return LABEL_ONLY.test(value) && !RESERVED.has(value.toLowerCase());
}

function isExternName(value: string): boolean {
  const match = PLAIN_NAME.exec(value) ?? INTERFACE_NAME.exec(value);
  if (match === null) return false;
  return match.slice(1, 4).every((label) => label === undefined || !RESERVED.has(label.toLowerCase()));
}

/** An `unsafe_name` refusal for each name that may not reach glue, at most `MAX_REPORTED_NAMES` of them. */
export function checkNames(names: readonly BinaryName[]): Refusal[] {
  const refusals: Refusal[] = [];
  for (const name of names) {
    if (isSafeName(name.kind, name.value)) continue;
    refusals.push({
      code: 'unsafe_name',
      message: `The ${name.kind} ${quote(name.value)} is no name that a toolchain writes.`,
      where: `${name.path} at byte ${name.offset}`,
      fix: 'Build with an unmodified toolchain and give exports plain names.',
    });
    if (refusals.length === MAX_REPORTED_NAMES) break;
  }
  return refusals;
}
