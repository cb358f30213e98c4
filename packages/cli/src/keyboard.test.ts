import { PassThrough } from 'node:stream';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createKeyboard, type KeyInput } from './keyboard.ts';

/** An input with the mode that it is in. */
function createInput() {
  const modes: boolean[] = [];
  const stream = new PassThrough();
  const input = Object.assign(stream, {
    setRawMode(mode: boolean) {
      modes.push(mode);
    },
  });
  return { input: input as unknown as KeyInput, modes, type: (text: string) => stream.write(text) };
}

test('keys are read one by one, without those that are no character', async () => {
  const { input, type } = createInput();
  const keys: string[] = [];
  onTestFinished(createKeyboard(input, () => {}).read((key) => keys.push(key)));
  type('r');
  type('\u001b[A');
  type('o?');
  await vi.waitFor(() => expect(keys).toEqual(['r', 'o', '?']));
});

test('Ctrl-C interrupts', async () => {
  const { input, type } = createInput();
  const interrupt = vi.fn<() => void>();
  const listener = vi.fn<(key: string) => void>();
  onTestFinished(createKeyboard(input, interrupt).read(listener));
  type('\u0003');
  await vi.waitFor(() => expect(interrupt).toHaveBeenCalledOnce());
  expect(listener).not.toHaveBeenCalled();
});

test('the terminal is raw while keys are read, and as it was afterwards', () => {
  const { input, modes } = createInput();
  const before = process.listenerCount('exit');
  const end = createKeyboard(input, () => {}).read(() => {});
  expect(modes).toEqual([true]);
  // What restores it when the process exits in the meantime.
  const [restore] = process.listeners('exit').slice(before);
  restore?.(0);
  expect(modes).toEqual([true, false]);
  end();
  expect(modes).toEqual([true, false, false]);
  expect(process.listenerCount('exit')).toBe(before);
});
