// A command line as the words of it: quotes and backslashes as in a shell, and nothing that a shell would
// evaluate.
import { KedaError } from '../errors.ts';

/**
 * Splits a command.
 *
 * @throws KedaError `OFN_KEDA_OPTION_INVALID` for an empty one, or a quote that is not closed.
 * @example
 * parseCommand(`node "my function.js" --port 0`); // ['node', 'my function.js', '--port', '0']
 */
export function parseCommand(text: string): [string, ...string[]] {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index] ?? '';
    if (quote !== '') {
      if (char === quote) quote = '';
      else if (char === '\\' && quote === '"') word = (word ?? '') + (text[(index += 1)] ?? '');
      else word = (word ?? '') + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (char === '\\') word = (word ?? '') + (text[(index += 1)] ?? '');
    else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + char;
  }
  if (quote !== '') throw invalid(text, `has a ${quote} that is not closed`);
  if (word !== undefined) words.push(word);
  const [file, ...args] = words;
  if (file === undefined) throw invalid(text, 'is empty');
  return [file, ...args];
}

function invalid(text: string, what: string): KedaError {
  return new KedaError('OFN_KEDA_OPTION_INVALID', `the command ${JSON.stringify(text)} ${what}`);
}
