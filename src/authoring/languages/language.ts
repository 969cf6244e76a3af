// What the author's tools know of a language. One file of this folder for each; the registry lists them, and nothing else
// knows their names: a language is added by its file, a line in the registry and a folder of templates.

import type { GuestLimits } from '../../core/guest-limits.ts';
import type { Contract, World } from '../contract.ts';
import type { Compilers } from '../toolchain.ts';

/** What a builder is given. `source` is relative to `directory`; nothing outside `directory` is read for the author. */
export interface BuildOptions {
  readonly directory: string;
  readonly source: string;
  readonly contract: Contract;
  readonly world: World;
  /** Longest that each compiler may run, milliseconds. */
  readonly timeoutMs?: number;
  /** A new process for each run unless told. */
  readonly compilers?: Compilers;
}

/** A component and what the compilers said about it. */
export interface BuildResult {
  readonly component: Uint8Array<ArrayBuffer>;
  readonly log: readonly string[];
}

/** A file of a new project. */
export interface ProjectFile {
  /** Relative to the project's folder, with slashes. */
  readonly path: string;
  readonly content: string;
}

export interface Language {
  /** As validator.json and `--lang` have it. */
  readonly name: string;
  /** For people. */
  readonly title: string;
  /** Other names that `--lang` takes. */
  readonly aliases: readonly string[];
  /** Versions of the contract that the builder knows. */
  readonly contracts: readonly string[];
  /** Worlds that the builder knows besides `validator`. */
  readonly otherWorlds?: readonly World[];
  /** The source file of a new project. */
  readonly sourceFile: string;
  /** What a source file may end with: `.ts`. */
  readonly extension: string;
  /** Folder below templates/. */
  readonly templateFolder: string;
  /** Files of a validator's folder, besides README.md and cases.json, that no component depends on. */
  readonly notSources: readonly string[];
  /** Sources of ours that, with the toolchain, decide what a build gives. Relative to the project. */
  readonly inputs: readonly string[];
  /** Scripts of ours that a build runs by its compilers, absolute: they can be made ready before the first build. */
  readonly compilerScripts: readonly string[];
  /**
   * Of those, what goes into the component itself, for languages whose examples have a committed component (committed.ts).
   * Absent where npm brings the toolchain: those are built.
   */
  readonly bindings?: readonly string[];
  /**
   * Whether npm does not bring the toolchain and its components are too large to commit: the example is built, and judged by
   * its cases, where the toolchain is, and left out where it is not.
   */
  readonly isBuiltWhereInstalled?: boolean;
  /** What of the sandbox's rules is otherwise in this language, as an author is told: whole sentences. */
  readonly differences?: readonly string[];
  /**
   * What its components need beyond the default limits, where they do: a documented choice, for `--limit` at publishing. No
   * release gets it by itself.
   */
  readonly limits?: Partial<GuestLimits>;
  /**
   * The toolchain that a build would use: a name and version for each part. Throws `toolchain_missing`, which says what to
   * install, where a part is not there.
   */
  findToolchain(): Promise<readonly string[]>;
  /**
   * Builds a component. Throws `source_invalid` with the faults of the source, `build_failed` when a tool crashes, hangs or
   * refuses what the compiler made.
   */
  build(options: BuildOptions): Promise<BuildResult>;
  /** What a new project holds besides the templates, so that editors know the contract. */
  editorFiles(contract: Contract): Promise<readonly ProjectFile[]>;
}
