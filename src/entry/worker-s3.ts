// The gateway in workerd over an S3 store other than R2: reads the environment, assembles, and nothing else. It only
// reads the store, so its key needs no other right. A gateway whose configuration has a fault throws here, at start.

import { env } from 'cloudflare:workers';

import { createS3Store } from '../store/s3.ts';
import { createWorkerGateway } from './worker-gateway.ts';
import { parseS3WorkerConfig } from './worker-s3-config.ts';

export { KeptAnswer } from './worker-kept-answer.ts';

const { location, credentials, ...config } = parseS3WorkerConfig(env);

export default await createWorkerGateway(config, createS3Store({ location, credentials }));
