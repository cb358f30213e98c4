// What two installed copies of the package share: registrations, the current call, and errors.
import { expect, test, vi } from 'vitest';
import { OfnError } from './errors.ts';
import { registry } from './function/registry.ts';
import { currentInvocation, http, openfunction } from './index.ts';
import { toFailure } from './invocation/outcome.ts';
import { processWide } from './process-wide.ts';
import { createTestRuntime } from './testing.ts';

async function anotherCopy() {
  vi.resetModules();
  const copy = await import('./index.ts');
  expect(copy.http).not.toBe(http);
  return copy;
}

test('a value is made by the first copy that asks for it', async () => {
  const key = `test of ${import.meta.url}`;
  const create = vi.fn<() => object>(() => ({}));
  const first = processWide(key, create);
  vi.resetModules();
  const copy = await import('./process-wide.ts');
  expect(copy.processWide).not.toBe(processWide);
  expect(copy.processWide(key, create)).toBe(first);
  expect(create).toHaveBeenCalledOnce();
});

test('functions, plugins and hooks that one copy registers are known to the other', async () => {
  const copy = await anotherCopy();
  const plugin = { name: 'elsewhere' };
  const hook = (): void => {};
  copy.http('elsewhere', () => {});
  copy.use(plugin);
  copy.onStart(hook);
  copy.onStop(hook);
  const { functions, plugins, startHooks, stopHooks } = registry;
  expect(functions.get('elsewhere')?.name).toBe('elsewhere');
  expect([plugins.splice(0), startHooks.splice(0), stopHooks.splice(0)]).toEqual([
    [plugin],
    [hook],
    [hook],
  ]);
});

test('the current call of one copy is that of the other', async () => {
  const copy = await anotherCopy();
  const same = openfunction('same', (ctx) => [
    copy.currentInvocation() === ctx,
    currentInvocation() === ctx,
  ]);
  const t = await createTestRuntime({ functions: [same] });
  expect(await (await t.http('same')).json()).toEqual([true, true]);
  await t.close();
});

test('an error of one copy keeps its status in the other', async () => {
  const copy = await anotherCopy();
  expect(copy.OfnError).not.toBe(OfnError);
  const error = new copy.OfnError('OFN_NOT_FOUND', 'gone');
  expect(error).toBeInstanceOf(OfnError);
  expect(toFailure(error)).toMatchObject({ status: 404, refusal: error, expose: true });
});

test.each([
  new Error('x'),
  Object.assign(new Error('x'), { code: 'OFN_NOT_FOUND' }),
  { name: 'OfnError', code: 'OFN_NOT_FOUND' },
  null,
])('%o is no error of the package', (value) => {
  expect(value instanceof OfnError).toBe(false);
});
