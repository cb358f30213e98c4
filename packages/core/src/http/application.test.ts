// `req.app` without an Express application: its settings are read, and nothing can be set.
import { describe, expect, it } from 'vitest';
import { application } from './application.ts';

describe('the application', () => {
  it('tells the settings that Express members read', () => {
    expect(application.get('trust proxy')).toBe(true);
    expect(application.enabled('trust proxy')).toBe(true);
    expect(application.disabled('etag')).toBe(true);
    expect(application.get('unknown')).toBeUndefined();
    expect(application.locals.settings).toBe(application.settings);
  });

  it('refuses to be changed, for all calls share it', () => {
    expect(() => application.set('etag')).toThrow('export an Express app to have one');
    expect(Object.isFrozen(application) && Object.isFrozen(application.settings)).toBe(true);
    expect(Object.isFrozen(application.locals)).toBe(true);
  });

  it('renders nothing: the error goes to the callback, or is thrown', () => {
    const seen: string[] = [];
    const keep = (error: Error): void => void seen.push(error.message);
    application.render('a', keep);
    application.render('b', {}, keep);
    expect(seen).toEqual([
      expect.stringContaining('res.render("a")'),
      expect.stringContaining('res.render("b")'),
    ]);
    expect(() => application.render('c', {})).toThrow('res.render("c")');
  });
});
