// What the package depends on, all of it pinned as package-lock.json pins it, without what only development needs: then an
// artifact has the same bytes wherever it is made. npm honours a package's npm-shrinkwrap.json, with the hashes in it, where
// the package comes from a registry or is the root (`npm ci` in the unpacked tarball), but not when it installs a tarball.
// So package.json lists every package with its one version as well.

/** A package in a lockfile. */
export interface LockEntry {
  /** Of the package itself, where it is installed under another name. */
  readonly name?: string;
  readonly version?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
}

export interface Lockfile {
  readonly packages: Readonly<Record<string, LockEntry>>;
  readonly [member: string]: unknown;
}

/** Members of package.json that users need; the others are for development. */
const MANIFEST = ['name', 'version', 'description', 'license', 'private', 'type', 'engines', 'bin', 'files'];

/** A package's own name where it lies in the first folder of packages: `node_modules/@noble/ciphers`. */
const FIRST_LEVEL = /^node_modules\/((?:@[^/]+\/)?[^/]+)$/;

/** package.json and npm-shrinkwrap.json of the package. Throws where something that users need is not in the lockfile. */
export function pin(
  manifest: Readonly<Record<string, unknown>>,
  lock: Lockfile,
): { readonly manifest: Readonly<Record<string, unknown>>; readonly shrinkwrap: Lockfile } {
  const { '': root, ...others } = lock.packages;
  if (root === undefined) throw new Error('the lockfile has no root');
  const kept = Object.entries(others).filter(([, { dev }]) => dev !== true);
  const dependencies: Record<string, string> = {};
  const optionalDependencies: Record<string, string> = {};
  for (const [path, { name, version, optional }] of kept) {
    const installed = FIRST_LEVEL.exec(path)?.[1];
    if (installed === undefined || version === undefined) continue;
    const wanted = name === undefined ? version : `npm:${name}@${version}`;
    (optional === true ? optionalDependencies : dependencies)[installed] = wanted;
  }
  const own = Object.fromEntries(MANIFEST.map((member) => [member, manifest[member]]));
  const { name, version, license, engines, bin } = root;
  const packages: Record<string, LockEntry> = {
    '': { ...({ name, version, license, engines, bin } as LockEntry), dependencies, optionalDependencies },
    ...Object.fromEntries(kept),
  };
  requireComplete(packages, root);
  return { manifest: { ...own, dependencies, optionalDependencies }, shrinkwrap: { ...lock, packages } };
}

function requireComplete(packages: Readonly<Record<string, LockEntry>>, root: LockEntry): void {
  for (const [path, entry] of Object.entries(packages)) {
    const { dependencies, optionalDependencies } = path === '' ? root : entry;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      if (!isInstalled(packages, path, name)) throw new Error(`${path || 'the package'} needs ${name}`);
    }
  }
}

/** Whether a package at `path` finds `name`: below itself, beside itself or further up. */
function isInstalled(packages: Readonly<Record<string, LockEntry>>, path: string, name: string): boolean {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    if (packages[`${folder === '' ? '' : `${folder}/`}node_modules/${name}`] !== undefined) return true;
    if (folder === '') return false;
  }
}
