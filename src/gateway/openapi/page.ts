// The OpenAPI document as a page for people: one HTML text that needs no script, no font and no other origin. Every word
// in it comes from the document and is escaped.

import { writeJson, type Json, type JsonMembers } from './json-document.ts';

/** The page's only style sheet: `Content-Security-Policy` names its digest. */
export const PAGE_STYLE = [
  ':root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:light-dark(#0b57d0,#8ab4f8)}',
  'body{max-width:60rem;margin:2rem auto;padding:0 1rem;font:1rem/1.5 system-ui,sans-serif}',
  'a{color:var(--accent)}',
  'code,pre{font:.875rem/1.45 ui-monospace,monospace}',
  'pre{background:var(--soft);padding:.75rem;overflow-x:auto;border-radius:.375rem}',
  'h2{margin-top:2.5rem;border-bottom:1px solid var(--line)}',
  'h3{margin-top:2rem}',
  'h3 code{font-size:1.125rem;font-weight:600}',
  'div{overflow-x:auto}',
  'table{border-collapse:collapse;width:100%}',
  'th,td{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--line)}',
  'summary{cursor:pointer}',
].join('');

/** The page about `document`. */
export function renderPage(document: JsonMembers): string {
  const info = membersOf(document['info']);
  const components = membersOf(document['components']);
  const paths = membersOf(document['paths']);
  const schemas = membersOf(components['schemas']);
  const title = escapeHtml(textOf(info['title']));
  const body = [
    `<h1>${title}</h1><p>${prose(info['description'])}</p><p><a href="/openapi.json">openapi.json</a></p>`,
    `<h2 id="paths">Paths</h2>${Object.entries(paths).map(renderPath(document)).join('')}`,
    `<h2 id="who">Who may ask</h2>${table(
      ['scheme', 'meaning'],
      Object.entries(membersOf(components['securitySchemes'])).map(([name, scheme]) => [
        code(name),
        prose(membersOf(scheme)['description']),
      ]),
    )}`,
    `<h2 id="schemas">Schemas</h2>${Object.entries(schemas).map(renderSchema).join('')}`,
    `<h2 id="reasons">Reason codes</h2>${renderReasons(membersOf(schemas['Reason']))}`,
  ].join('');
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title}</title>` +
    `<meta name="viewport" content="width=device-width"><style>${PAGE_STYLE}</style><body>${body}</body></html>\n`
  );
}

function renderPath(document: JsonMembers) {
  return ([path, item]: [string, Json | undefined]): string => {
    const { parameters, ...operations } = membersOf(item);
    return Object.entries(operations)
      .map(([method, value]) => {
        const operation = membersOf(value);
        const request = membersOf(operation['requestBody']);
        const known = [...listOf(parameters), ...listOf(operation['parameters'])].map((each) =>
          resolve(document, membersOf(each)),
        );
        return [
          `<h3>${code(`${method.toUpperCase()} ${path}`)}</h3>`,
          `<p>${escapeHtml(textOf(operation['summary']))}. ${prose(operation['description'])}</p>`,
          known.length === 0
            ? ''
            : table(
                ['parameter', 'in', 'meaning'],
                known.map((each) => [
                  code(textOf(each['name'])),
                  escapeHtml(textOf(each['in'])),
                  prose(each['description']),
                ]),
              ),
          request['content'] === undefined
            ? ''
            : `<p>${prose(request['description'])}</p>${renderExamples(request)}`,
          ...Object.entries(membersOf(operation['responses'])).map(([status, response]) => {
            const { description, ...rest } = resolve(document, membersOf(response));
            const headers = Object.keys(membersOf(rest['headers'])).map(code).join(', ');
            return `<details><summary>${code(status)} ${prose(description)}</summary><p>${headers}</p>${renderExamples(rest)}</details>`;
          }),
        ].join('');
      })
      .join('');
  };
}

function renderExamples({ content }: JsonMembers): string {
  return Object.entries(membersOf(content))
    .map(([type, media]) => {
      const examples = Object.values(membersOf(membersOf(media)['examples'])).map(
        (example) => `<pre>${escapeHtml(writeJson(membersOf(example)['value'] ?? null, 2))}</pre>`,
      );
      return `<p>${code(type)}</p>${examples.join('')}`;
    })
    .join('');
}

function renderSchema([name, schema]: [string, Json | undefined]): string {
  const { description } = membersOf(schema);
  return `<h3 id="${escapeHtml(name)}">${escapeHtml(name)}</h3><p>${prose(description)}</p>${table(
    ['member', 'type', 'meaning'],
    listMembers('', membersOf(schema)),
  )}`;
}

/** A row for each member, those of members below it as `origin.id`. */
function listMembers(prefix: string, schema: JsonMembers): string[][] {
  const required = new Set(listOf(schema['required']));
  return Object.entries(membersOf(schema['properties'])).flatMap(([name, value]) => {
    const member = membersOf(value);
    const label = code(`${prefix}${name}`) + (required.has(name) ? '' : ' (optional)');
    return [
      [label, typeOf(member), prose(member['description'])],
      ...listMembers(`${prefix}${name}.`, member),
    ];
  });
}

function typeOf(schema: JsonMembers): string {
  const { type, format, pattern, minimum, maximum, items, anyOf } = schema;
  const reference = schema['$ref'];
  if (typeof reference === 'string') {
    const name = reference.slice(reference.lastIndexOf('/') + 1);
    return `<a href="#${escapeHtml(name)}">${escapeHtml(name)}</a>`;
  }
  if (anyOf !== undefined)
    return listOf(anyOf)
      .map((each) => typeOf(membersOf(each)))
      .join('<br>or ');
  if (schema['enum'] !== undefined)
    return listOf(schema['enum'])
      .map((each) => code(textOf(each)))
      .join(', ');
  if (items !== undefined) return `array of ${typeOf(membersOf(items))}`;
  const words = [textOf(format ?? type)];
  if (minimum !== undefined) words.push(`from ${writeJson(minimum)}`);
  if (maximum !== undefined) words.push(`to ${writeJson(maximum)}`);
  // A longer one is for machines.
  const shown = typeof pattern === 'string' && pattern.length < 80 ? ` ${code(pattern)}` : '';
  return escapeHtml(words.join(' ')) + shown;
}

function renderReasons(reason: JsonMembers): string {
  return [
    ['The bank denied', 'x-denials'],
    ['The bank denied in other words', 'x-other-denials'],
    ['The bank could not be asked', 'x-failures'],
  ]
    .map(([heading = '', member = '']) => {
      const rows = Object.entries(membersOf(reason[member])).map(([name, value]) => {
        const { iso20022, de39, ...rest } = membersOf(value);
        return [code(name), escapeHtml(textOf(rest['name'])), code(textOf(iso20022)), code(textOf(de39))];
      });
      return `<h3>${heading}</h3>${table(['code', 'name', 'ISO 20022', 'DE39'], rows)}`;
    })
    .join('');
}

/** What a `$ref` into the same document stands for. */
function resolve(document: JsonMembers, value: JsonMembers): JsonMembers {
  const reference = value['$ref'];
  if (typeof reference !== 'string') return value;
  return reference
    .slice('#/'.length)
    .split('/')
    .reduce((found, name) => membersOf(found[name]), document);
}

/** Cells are HTML. */
function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((each) => `<th>${each}</th>`).join('');
  const lines = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`);
  return `<div><table><thead><tr>${head}</tr></thead><tbody>${lines.join('')}</tbody></table></div>`;
}

function code(text: string): string {
  return `<code>${escapeHtml(text)}</code>`;
}

/** A description: `…` in it is code. */
function prose(value: Json | undefined): string {
  return escapeHtml(textOf(value)).replace(/`([^`]*)`/g, '<code>$1</code>');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? '');
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function membersOf(value: Json | undefined): JsonMembers {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonMembers) : {};
}
