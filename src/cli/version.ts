// The version of this project, as its package.json has it.

import manifest from '../../package.json' with { type: 'json' };

/** `0.1.0`. */
export const projectVersion: string = manifest.version;
