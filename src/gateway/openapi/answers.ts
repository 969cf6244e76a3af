// What `/openapi.json` and `/docs` answer: the same bytes for everybody, made once when somebody first asks. They need no
// authentication, since they hold nothing of a bank, a processor or a deployment.

import { bytesOfHex, hexOf, sha256 } from '../../artifact/digest.ts';
import { RESPONSE_HEADERS } from '../problem.ts';
import { DOCUMENT_MAX_AGE_S, OPENAPI_DOCUMENT } from './document.ts';
import { writeJson } from './json-document.ts';
import { PAGE_STYLE, renderPage } from './page.ts';

const HEADERS = { ...RESPONSE_HEADERS, 'cache-control': `public, max-age=${DOCUMENT_MAX_AGE_S}` };

let documentText: string | undefined;
let page: { readonly text: string; readonly policy: string } | undefined;

/** The document. */
export function respondWithDocument(): Response {
  documentText ??= writeJson(OPENAPI_DOCUMENT);
  return new Response(documentText, { headers: { ...HEADERS, 'content-type': 'application/json' } });
}

/** The page: nothing may run or be loaded on it, and nobody may frame it. */
export async function respondWithPage(): Promise<Response> {
  page ??= { text: renderPage(OPENAPI_DOCUMENT), policy: await composePolicy() };
  return new Response(page.text, {
    headers: {
      ...HEADERS,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': page.policy,
      'referrer-policy': 'no-referrer',
    },
  });
}

async function composePolicy(): Promise<string> {
  const digest = bytesOfHex(hexOf(await sha256(new TextEncoder().encode(PAGE_STYLE))));
  const style = `style-src 'sha256-${btoa(String.fromCharCode(...digest))}'`;
  return `default-src 'none'; ${style}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
}
