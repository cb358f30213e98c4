// Parameters of a call to the sidecar as the query of its URL.

/**
 * The query, with its question mark; empty without parameters.
 *
 * @param metadata For the component; each name gets the prefix that the sidecar knows it by.
 * @param parameters For the sidecar itself. Those that are undefined are left out.
 */
export function renderQuery(
  metadata: Readonly<Record<string, string>> | undefined,
  parameters: Readonly<Record<string, string | undefined>> = {},
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) query.append(name, value);
  }
  for (const [name, value] of Object.entries(metadata ?? {}))
    query.append(`metadata.${name}`, value);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}
