// Words of commands that are shown to a user.

/** A word as shells take it. */
export function quote(path: string): string {
  return /^[\w./@-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}
