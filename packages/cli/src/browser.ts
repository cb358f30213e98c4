// A URL becomes a page of the browser of the person at this machine.

/**
 * Opens it. Whether the browser shows it is not known.
 *
 * @throws Error when nothing that opens URLs can be started.
 */
export async function openUrl(url: string): Promise<void> {
  // Loaded by the few who press the key.
  const { default: open } = await import('open');
  await open(url);
}
