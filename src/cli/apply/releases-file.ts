// releases.yaml: what each bank of a deployment should run. The form is that of schemas/releases.schema.json. Every fault is
// told at once, with its place and what to do; nothing is applied of a file that has one.

import { FALLBACKS, type Fallback } from '../../artifact/release.ts';
import { isDigest, type Digest } from '../../artifact/digest.ts';
import { MAX_BANK_ID_LENGTH, slugOf } from '../../core/bank.ts';
import { WasmpayError } from '../../core/error.ts';
import { faultOfLimit, GUEST_LIMIT_NAMES, type GuestLimits } from '../../core/guest-limits.ts';
import { MAX_YAML_FAULTS, readPlainYaml, type Place, type YamlMember, type YamlValue } from './plain-yaml.ts';

/** Most banks of a file: twice the largest deployment that was thought of. */
export const MAX_FILE_BANKS = 20_000;

/** Largest file, bytes: so many banks with every member written out take 10 MB. */
export const MAX_RELEASES_FILE_BYTES = 16 * 1024 * 1024;

/** A file that the text names, relative to its folder, and where. */
export interface NamedFile {
  readonly path: string;
  readonly place: Place;
}

/** What the text says of one bank. */
export interface FileBank {
  readonly bankId: string;
  readonly slug: string;
  readonly place: Place;
  /** What is run: a component of a file or of the store, or no validator. */
  readonly runs: { readonly file: NamedFile } | { readonly digest: Digest } | 'none';
  readonly cases?: NamedFile;
  readonly limits: Partial<GuestLimits>;
  readonly fallback: Fallback;
  readonly outage?: 'approve';
  readonly validityDays?: number;
  /** Absent: as it is. */
  readonly disabled?: false | Fallback;
  /** The artifact whose imports a person accepted. */
  readonly acceptImports?: Digest;
}

export interface ReleasesFile {
  /** The deployment that the file is for, where it says one. */
  readonly audience?: string;
  /** In the file's order. */
  readonly banks: readonly FileBank[];
}

/** One fault of the file. Line and column are from 1. */
export interface ReleasesFault extends Place {
  /** `banks.icamer.fallback`; empty for the file as a whole, and for what is no YAML. */
  readonly member: string;
  /** What is wrong, and what to do about it. */
  readonly message: string;
}

/** What is thrown for a faulty file: `releases_invalid`, with every fault, in the order of their places. */
export class ReleasesFileError extends WasmpayError {
  readonly faults: readonly ReleasesFault[];

  constructor(file: string, unsorted: readonly ReleasesFault[]) {
    const faults = unsorted.toSorted((a, b) => a.line - b.line || a.column - b.column);
    const lines = faults.map(
      ({ line, column, member, message }) =>
        `${file}:${line}:${column}: ${member === '' ? '' : `${member}: `}${message}`,
    );
    if (faults.length >= MAX_YAML_FAULTS) lines.push('and perhaps more: reading stopped here');
    super('releases_invalid', `nothing was applied, for the file cannot be used:\n${lines.join('\n')}`);
    this.faults = faults;
  }
}

/** Reads the text of a releases.yaml; `file` is its name in messages. Throws {@link ReleasesFileError}. */
export function parseReleasesFile(text: string, file: string): ReleasesFile {
  const { value, faults } = readPlainYaml(text);
  const reader = new ReleasesReader();
  const read = reader.readFile(value);
  const all = [...faults.map((fault) => ({ ...fault, member: '' })), ...reader.faults];
  if (all.length > 0) throw new ReleasesFileError(file, all.slice(0, MAX_YAML_FAULTS));
  return read;
}

/** The members that are known, in the order in which messages name them. */
export const FILE_MEMBERS = ['$schema', 'audience', 'banks'] as const;
export const BANK_MEMBERS = [
  'component',
  'validator',
  'cases',
  'limits',
  'fallback',
  'outage',
  'valid_days',
  'disabled',
  'accept_imports',
] as const;

/** What goes with a component only. */
const COMPONENT_MEMBERS = ['cases', 'limits', 'fallback', 'outage', 'accept_imports'] as const;

type Members = ReadonlyMap<string, YamlMember>;

class ReleasesReader {
  readonly faults: ReleasesFault[] = [];

  readFile(value: YamlValue): ReleasesFile {
    const members = this.readMapping(value, '', FILE_MEMBERS, 'must be a mapping that has "banks"');
    if (members === undefined) return { banks: [] };
    const audience = this.readText(members, 'audience', 'audience', 'must be a text: the deployment');
    this.readText(members, '$schema', '$schema', 'must be a text: the path of the schema');
    if (audience === '') this.failMember(members, 'audience', 'audience', 'is empty: name the deployment');
    return { ...(audience !== undefined && { audience }), banks: this.readBanks(members, value) };
  }

  private readBanks(file: Members, place: Place): FileBank[] {
    const entry = file.get('banks');
    if (entry === undefined) {
      this.fail(place, 'banks', 'is missing: write "banks:", and under it each bank by its id');
      return [];
    }
    const needed = 'must be a mapping of banks by their ids';
    const members = this.readMapping(entry.value, 'banks', undefined, needed, entry.place);
    if (members === undefined) return [];
    if (members.size > MAX_FILE_BANKS) {
      const message = `has ${members.size} banks, more than ${MAX_FILE_BANKS}: split the file`;
      this.fail(entry.place, 'banks', message);
      return [];
    }
    const slugs = new Map<string, string>();
    const banks: FileBank[] = [];
    for (const [bankId, bank] of members) {
      const slug = this.readSlug(bankId, bank.place, slugs);
      const before = this.faults.length;
      const read = this.readBank(bankId, slug ?? '', bank);
      if (slug !== undefined && read !== undefined && this.faults.length === before) banks.push(read);
    }
    return banks;
  }

  private readSlug(bankId: string, place: Place, slugs: Map<string, string>): string | undefined {
    const member = memberOf('banks', bankId);
    const slug = slugOf(bankId);
    if (slug === undefined) {
      const letters = 'use letters, digits, ".", "_" and "-", with a letter or digit at both ends';
      this.fail(place, member, `is no bank id: ${letters}, at most ${MAX_BANK_ID_LENGTH}`);
      return undefined;
    }
    const holder = slugs.get(slug);
    if (holder !== undefined)
      this.fail(place, member, `would be bank ${slug}, as ${JSON.stringify(holder)} is: choose another id`);
    slugs.set(slug, bankId);
    return slug;
  }

  private readBank(bankId: string, slug: string, { place, value }: YamlMember): FileBank | undefined {
    const at = memberOf('banks', bankId);
    const needed = 'must be a mapping with "component", or with "validator: none"';
    const members = this.readMapping(value, at, BANK_MEMBERS, needed, place);
    if (members === undefined) return undefined;
    const runs = this.readRuns(members, at, place);
    const cases = this.readPath(members, 'cases', at);
    const limits = this.readLimits(members, at);
    const fallback = this.readWord(
      members,
      'fallback',
      at,
      FALLBACKS,
      'must be deny or refuse: a failure is never an approval',
    );
    const outage = this.readWord(
      members,
      'outage',
      at,
      ['approve'] as const,
      'must be approve, or be left out: then an outage is answered as any failure',
    );
    const validityDays = this.readDays(members, at);
    const disabled = this.readDisabled(members, at);
    const acceptImports = this.readAccepted(members, at);
    if (runs === undefined) return undefined;
    return {
      bankId,
      slug,
      place,
      runs,
      ...(cases !== undefined && { cases }),
      limits,
      fallback: fallback ?? 'deny',
      ...(outage !== undefined && { outage }),
      ...(validityDays !== undefined && { validityDays }),
      ...(disabled !== undefined && { disabled }),
      ...(acceptImports !== undefined && { acceptImports }),
    };
  }

  private readRuns(members: Members, at: string, place: Place): FileBank['runs'] | undefined {
    const component = members.get('component');
    const validator = this.readWord(
      members,
      'validator',
      at,
      ['none'] as const,
      'must be none, or be left out: a component says what it is',
    );
    if (validator !== undefined) {
      for (const name of ['component', ...COMPONENT_MEMBERS])
        this.failMember(members, name, at, 'does not go with "validator: none": leave one of them out');
      return 'none';
    }
    if (component === undefined) {
      if (!members.has('validator'))
        this.fail(place, at, 'has neither "component" nor "validator: none": say what the bank runs');
      return undefined;
    }
    const { value } = component;
    if (value.kind === 'text' && isDigest(value.text)) return { digest: value.text };
    if (value.kind === 'text' && value.text.startsWith('sha256:')) {
      this.fail(value, `${at}.component`, 'is no digest: "sha256:" and 64 hexadecimal digits in lower case');
      return undefined;
    }
    const file = this.readPath(members, 'component', at);
    return file === undefined ? undefined : { file };
  }

  private readPath(members: Members, name: string, at: string): NamedFile | undefined {
    const member = `${at}.${name}`;
    const path = this.readText(members, name, member, 'must be a text: a path below the folder of this file');
    const place = members.get(name)?.value;
    if (path === undefined || place === undefined) return undefined;
    const fault = faultOfPath(path);
    if (fault === undefined) return { path, place: { line: place.line, column: place.column } };
    this.fail(place, member, fault);
    return undefined;
  }

  private readLimits(members: Members, at: string): Partial<GuestLimits> {
    const entry = members.get('limits');
    if (entry === undefined) return {};
    const member = `${at}.limits`;
    const needed = `must be a mapping of ${GUEST_LIMIT_NAMES.join(', ')}`;
    const named = this.readMapping(entry.value, member, GUEST_LIMIT_NAMES, needed, entry.place);
    const limits: { -readonly [K in keyof GuestLimits]?: number } = {};
    for (const name of GUEST_LIMIT_NAMES) {
      const value = named?.get(name)?.value;
      if (value === undefined || value.kind === 'faulty') continue;
      const number = value.kind === 'number' ? value.number : undefined;
      const fault = faultOfLimit(name, number);
      if (fault !== undefined) this.fail(value, `${member}.${name}`, `must be in its range: ${fault}`);
      else if (number !== undefined) limits[name] = number;
    }
    return limits;
  }

  private readDays(members: Members, at: string): number | undefined {
    const value = members.get('valid_days')?.value;
    if (value === undefined || value.kind === 'faulty') return undefined;
    if (value.kind === 'number' && value.number >= 1 && value.number <= 366) return value.number;
    this.fail(value, `${at}.valid_days`, 'must be a whole number from 1 to 366');
    return undefined;
  }

  private readDisabled(members: Members, at: string): false | Fallback | undefined {
    const value = members.get('disabled')?.value;
    if (value?.kind === 'boolean' && !value.boolean) return false;
    return this.readWord(
      members,
      'disabled',
      at,
      FALLBACKS,
      'must be deny or refuse, what every transaction gets while the bank is off; or false: switched on',
    );
  }

  private readAccepted(members: Members, at: string): Digest | undefined {
    const needed = 'must be the digest of the artifact that was held, as the refusal names it';
    const member = `${at}.accept_imports`;
    const text = this.readText(members, 'accept_imports', member, needed);
    if (text === undefined || isDigest(text)) return text;
    this.failMember(members, 'accept_imports', at, needed);
    return undefined;
  }

  private readWord<T extends string>(
    members: Members,
    name: string,
    at: string,
    words: readonly T[],
    needed: string,
  ): T | undefined {
    const value = members.get(name)?.value;
    if (value === undefined || value.kind === 'faulty') return undefined;
    const word = value.kind === 'text' ? words.find((known) => known === value.text) : undefined;
    if (word === undefined) this.fail(value, `${at}.${name}`, needed);
    return word;
  }

  private readText(members: Members, name: string, member: string, needed: string): string | undefined {
    const value = members.get(name)?.value;
    if (value === undefined || value.kind === 'faulty') return undefined;
    if (value.kind === 'text') return value.text;
    this.fail(value, member, needed);
    return undefined;
  }

  private readMapping(
    value: YamlValue,
    member: string,
    known: readonly string[] | undefined,
    needed: string,
    place: Place = value,
  ): Members | undefined {
    if (value.kind === 'faulty') return undefined;
    if (value.kind !== 'mapping') {
      this.fail(place, member, needed);
      return undefined;
    }
    if (known !== undefined) {
      for (const [name, entry] of value.members)
        if (!known.includes(name))
          this.fail(
            entry.place,
            memberOf(member, name),
            `is no member that belongs here: ${known.join(', ')}`,
          );
    }
    return value.members;
  }

  private failMember(members: Members, name: string, at: string, message: string): void {
    const entry = members.get(name);
    if (entry !== undefined) this.fail(entry.place, name === at ? name : `${at}.${name}`, message);
  }

  private fail({ line, column }: Place, member: string, message: string): void {
    if (this.faults.length < MAX_YAML_FAULTS) this.faults.push({ line, column, member, message });
  }
}

/** Why `path` is none that a file may name; undefined where it is one. Links are looked at when it is opened. */
function faultOfPath(path: string): string | undefined {
  if (path === '' || path.length > 1_024) return 'must have 1 to 1,024 characters';
  if (/[\\\p{Cc}]/u.test(path)) return 'holds a backslash or a control character: separate folders by "/"';
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path))
    return 'is no path relative to this file: name a file in its folder, or below it';
  if (path.split('/').includes('..')) return 'leaves the folder of this file: name a file in it, or below it';
  return undefined;
}

/** `banks.icamer`; a name that is no word is quoted, and cut. */
function memberOf(parent: string, name: string): string {
  const cut = name.length > 80 ? `${name.slice(0, 77)}...` : name;
  const shown = /^[\w$.-]+$/.test(cut) ? cut : JSON.stringify(cut);
  return parent === '' ? shown : `${parent}.${shown}`;
}
