// `npm run test:docs-page`: the page at `/docs` in a real Chromium: it is whole, asks no other origin for anything, breaks no
// rule of its own Content-Security-Policy and fits a telephone. `-- --picture FILE` writes what it looks like as a PNG.
//
// Needs Chromium (Debian: apt-get install chromium). Without it, it ends with 2: nothing was tested.

import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { startBrowser, type Browser } from './openapi/browser.ts';
import { startDocumentedGateway } from './openapi/gateway.ts';

const { values: flags } = parseArgs({ options: { picture: { type: 'string' } } });

/** Width and height in CSS pixels. */
const DESKTOP = [1_200, 1_500] as const;
const TELEPHONE = [390, 800] as const;

const LOAD_MS = 10_000;

await using browser = await startBrowser();
if (browser === undefined) {
  console.error('skipped: there is no Chromium (Debian: apt-get install chromium); no page was looked at');
  process.exit(2);
}
const faults: string[] = [];
{
  await using gateway = await startDocumentedGateway();
  const document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, unknown>>;
    components: { schemas: Record<string, unknown>; parameters: Record<string, { name: string }> };
  };
  for (const domain of ['Network', 'Log', 'Runtime', 'Page']) await browser.call(`${domain}.enable`);
  await open(browser, `${gateway.url}/docs`, DESKTOP);

  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => key !== 'parameters')
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
  const shown = (await evaluate(
    browser,
    `[...document.querySelectorAll('h3')].map((each) => each.textContent)`,
  )) as string[];
  for (const each of [...operations, ...Object.keys(document.components.schemas)])
    if (!shown.includes(each)) faults.push(`the page does not show ${each}`);
  const text = (await evaluate(browser, `document.body.textContent`)) as string;
  for (const { name } of Object.values(document.components.parameters))
    if (!text.includes(name)) faults.push(`the page does not show the parameter ${name}`);
  const style = await evaluate(browser, `getComputedStyle(document.body).maxWidth`);
  if (style === 'none') faults.push('the style sheet is not applied');
  const dead = (await evaluate(
    browser,
    `[...document.querySelectorAll('a[href^="#"]')].filter((each) => document.querySelector(each.hash) === null).map((each) => each.hash)`,
  )) as string[];
  for (const hash of dead) faults.push(`the link ${hash} leads nowhere`);
  if (flags.picture !== undefined) await takePicture(browser, flags.picture);

  await open(browser, `${gateway.url}/docs`, TELEPHONE);
  const [needed, there] = (await evaluate(browser, `[document.documentElement.scrollWidth, innerWidth]`)) as [
    number,
    number,
  ];
  if (needed > there) faults.push(`a telephone of ${there} px has to scroll sideways over ${needed}`);

  for (const { method, params } of browser.events) {
    if (method === 'Network.requestWillBeSent') {
      const { url } = (params as { request: { url: string } }).request;
      // Browsers ask for an icon by themselves.
      if (!url.startsWith(`${gateway.url}/`)) faults.push(`the page asks for ${url}`);
    }
    if (method === 'Log.entryAdded') {
      const { text, url = '' } = (params as { entry: { text: string; url?: string } }).entry;
      if (!url.endsWith('/favicon.ico')) faults.push(`the browser says: ${text}`);
    }
    if (method === 'Runtime.exceptionThrown') faults.push('a script failed, and there should be none');
  }
  console.log(`${operations.length} operations, ${Object.keys(document.components.schemas).length} schemas`);
}
for (const fault of faults) console.error(fault);
console.log(faults.length === 0 ? 'The page is whole.' : `${faults.length} faults`);
process.exitCode = faults.length === 0 ? 0 : 1;

async function open(
  browser: Browser,
  url: string,
  [width, height]: readonly [number, number],
): Promise<void> {
  await browser.call('Emulation.setDeviceMetricsOverride', {
    width,
    height,
    deviceScaleFactor: 1,
    mobile: width < 600,
  });
  await browser.call('Page.navigate', { url });
  const until = Date.now() + LOAD_MS;
  while (
    (await evaluate(browser, `document.readyState`)) !== 'complete' ||
    (await evaluate(browser, 'location.href')) !== url
  ) {
    if (Date.now() > until) throw new Error(`${url} was not loaded within ${LOAD_MS} ms`);
    await sleep(50);
  }
}

async function evaluate(browser: Browser, expression: string): Promise<unknown> {
  const { result } = (await browser.call('Runtime.evaluate', { expression, returnByValue: true })) as {
    result: { value: unknown };
  };
  return result.value;
}

async function takePicture(browser: Browser, file: string): Promise<void> {
  const { data } = (await browser.call('Page.captureScreenshot', { format: 'png' })) as { data: string };
  await writeFile(file, Buffer.from(data, 'base64'));
}
