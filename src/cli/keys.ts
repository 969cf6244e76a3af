// `wasmpay keys`: the key pairs that releases are signed with. A private part goes into a file that its owner alone can
// read, and nowhere else.

import { generateReleaseKeys } from '../artifact/release-keys.ts';
import { WasmpayError } from '../core/error.ts';
import { createKeyFile, keyFilesIn, readKeyFiles, replaceTrustedKeys } from './key-files.ts';
import { parseOptions } from './options.ts';
import { printJson, printResult } from './terminal.ts';

const USAGE = `wasmpay keys generate DIRECTORY [--json]
  Makes an Ed25519 key pair: DIRECTORY/signing-key.json is secret, for "wasmpay publish --key"; the content of
  DIRECTORY/trusted-keys.json is what a gateway trusts (WASMPAY_TRUSTED_KEYS). Files that are there are left alone.

wasmpay keys rotate DIRECTORY [--json]
  Adds a key pair: the secret is DIRECTORY/next-signing-key.json, and trusted-keys.json trusts it beside the old one.
  Prints the steps to move over without any gateway refusing a release.

wasmpay keys retire DIRECTORY KEY-ID [--json]
  Takes a public key out of trusted-keys.json, once no release of it is needed any more: no rollback goes to one.`;

/** The command for main.ts. */
export const keysCommand = { usage: USAGE, run: runKeys };

async function runKeys(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, ['generate|rotate|retire', 'DIRECTORY', '[KEY-ID]'], {
    json: { type: 'boolean', default: false },
  });
  const [action, directory, keyId] = parsed.arguments;
  const asJson = parsed.options['json'] === true;
  if ((action === 'retire') !== (keyId !== undefined))
    throw new WasmpayError('usage', '"keys retire" takes a DIRECTORY and a KEY-ID, the others a DIRECTORY');
  if (action === 'generate') return generate(String(directory), asJson);
  if (action === 'rotate') return rotate(String(directory), asJson);
  if (action === 'retire') return retire(String(directory), String(keyId), asJson);
  throw new WasmpayError('usage', `there is no "keys ${action}"; use generate, rotate or retire`);
}

async function generate(directory: string, asJson: boolean): Promise<number> {
  const files = keyFilesIn(directory);
  const keys = await generateReleaseKeys();
  const trustedKeys = { keys: [keys.public] };
  await createKeyFile(files.signing, JSON.stringify(keys.private), 0o600);
  await createKeyFile(files.trusted, JSON.stringify(trustedKeys), 0o644);
  if (asJson) {
    printJson({
      keyId: keys.keyId,
      signingKeyFile: files.signing,
      trustedKeysFile: files.trusted,
      trustedKeys,
    });
  } else {
    printResult(
      `key           ${keys.keyId}\nsigning key   ${files.signing}  (secret: keep it off the gateway and out of repositories)\n` +
        `trusted keys  ${files.trusted}\n\nWASMPAY_TRUSTED_KEYS = '${JSON.stringify(trustedKeys)}'`,
    );
  }
  return 0;
}

async function rotate(directory: string, asJson: boolean): Promise<number> {
  const files = keyFilesIn(directory);
  const before = await readKeyFiles(directory);
  const next = await generateReleaseKeys();
  const trustedKeys = { keys: [...before.publicKeys.map(({ jwk }) => jwk), next.public] };
  // The secret first: a trusted key whose secret is nowhere would be of no use, the other way round nothing is lost.
  await createKeyFile(files.next, JSON.stringify(next.private), 0o600);
  await replaceTrustedKeys(directory, trustedKeys);
  const steps = [
    `deploy gateways with the new WASMPAY_TRUSTED_KEYS below, and give publishers --trusted-keys ${files.trusted}`,
    `when every gateway has it, sign with the new key: mv ${files.next} ${files.signing}`,
    `sign all current releases anew: wasmpay renew --all … --trusted-keys ${files.trusted}`,
    `when nothing will be rolled back to a release that the old key signed, take it out: wasmpay keys retire ${directory} ${before.signingKeyId}; then deploy again`,
  ];
  if (asJson) {
    printJson({
      keyId: next.keyId,
      nextSigningKeyFile: files.next,
      trustedKeysFile: files.trusted,
      trustedKeys,
      steps,
    });
  } else {
    printResult(
      [
        `new key       ${next.keyId}`,
        `signing key   ${files.next}  (secret)`,
        `trusted keys  ${files.trusted}, ${trustedKeys.keys.length} keys`,
        '',
        ...steps.map((step, index) => `${index + 1}. ${step}`),
        '',
        `WASMPAY_TRUSTED_KEYS = '${JSON.stringify(trustedKeys)}'`,
      ].join('\n'),
    );
  }
  return 0;
}

async function retire(directory: string, keyId: string, asJson: boolean): Promise<number> {
  const { publicKeys, signingKeyId } = await readKeyFiles(directory);
  const rest = publicKeys.filter((key) => key.keyId !== keyId);
  if (rest.length === publicKeys.length)
    throw new WasmpayError('usage', `${keyId} is none of ${publicKeys.map((key) => key.keyId).join(', ')}`);
  if (keyId === signingKeyId)
    throw new WasmpayError('usage', `${keyId} is the key that signs: move the new one into its place first`);
  const trustedKeys = { keys: rest.map(({ jwk }) => jwk) };
  await replaceTrustedKeys(directory, trustedKeys);
  if (asJson) printJson({ retired: keyId, trustedKeys });
  else {
    printResult(
      `retired       ${keyId}: gateways refuse its releases once they are deployed with what follows; no rollback goes to one\n\n` +
        `WASMPAY_TRUSTED_KEYS = '${JSON.stringify(trustedKeys)}'`,
    );
  }
  return 0;
}
