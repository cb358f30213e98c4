// The JSON Schemas against what the parser says.
import { readFileSync, readdirSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseFunction } from './function/parse.ts';
import { rawFunction } from './function/function.fixture.ts';
import { toJsonSchemas } from './json-schema.ts';

const schemas = toJsonSchemas();
const ajv = new Ajv({ strict: false, allErrors: true });
const validate = ajv.compile(schemas.function);
const folder = new URL('render/golden/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.function.yaml'));
const texts = files.map((file) => [file, readFileSync(new URL(file, folder), 'utf8')] as const);

describe('the schema of a Function', () => {
  it.each(texts.filter(([file]) => !file.startsWith('older')))('takes %s', (_, text) => {
    validate(parse(text));
    expect(validate.errors ?? []).toEqual([]);
  });

  it.each(texts)('takes %s as it is parsed', (_, text) => {
    validate(parseFunction(text));
    expect(validate.errors ?? []).toEqual([]);
  });

  it.each([
    [{ serving: { trigers: {} } }],
    [{ serving: { triggers: { http: { port: 'x' } } } }],
    [{ serving: { triggers: { http: { port: 70_000 } } } }],
    [{ serving: { triggers: { http: { engine: 'nginx' } } } }],
    [{ serving: { params: { A: 1 } } }],
    [{ serving: { scaleOptions: { minReplicas: -1 } } }],
    [{ serving: { hooks: { pre: 'a' } } }],
    [{ image: 1, serving: {} }],
    [{ build: {}, serving: {} }],
  ])('refuses %j', (spec) => {
    expect(validate(rawFunction(spec))).toBe(false);
  });

  it('has the defaults, for editors to show', () => {
    expect(JSON.stringify(schemas.function)).toContain('"default":8080');
  });
});

it.each(Object.entries(schemas))('the schema of a %s can be compiled', (_, schema) => {
  expect(() => ajv.compile(schema)).not.toThrow();
});
