// The gateway in workerd over R2: reads the environment, assembles, and nothing else. A gateway whose configuration has
// a fault throws here, at start, so that a deployment of it fails.

import type { R2Bucket } from '@cloudflare/workers-types';
import { env } from 'cloudflare:workers';

import { createR2Store } from '../store/r2.ts';
import { parseWorkerConfig } from './worker-config.ts';
import { createWorkerGateway } from './worker-gateway.ts';

export { KeptAnswer } from './worker-kept-answer.ts';

const config = parseWorkerConfig(env);

export default await createWorkerGateway(config, createR2Store(env['BUCKET'] as R2Bucket));
