// What TARGET stands for in usage texts. Apart from target.ts, so that `wasmpay --help` opens no store.

/** One paragraph. */
export const TARGET_USAGE = `TARGET is nothing for the gateway that "npm start" runs here, or
  --store ADDRESS --audience NAME with a signing key and, while keys are rotated, --trusted-keys FILE. ADDRESS is
  file:DIRECTORY or s3://BUCKET (docs/storage.md); NAME is the deployment that may run the release. The signing key
  is --key FILE (a private Ed25519 JSON Web Key), the variable WASMPAY_SIGNING_KEY, or --key-command COMMAND --key-id ID:
  a program that reads what is to be signed and prints the signature in base64url.`;
