// What differs between add-on 0.5, which OpenFunction 1.2.0 pins, and the current add-on, as data.

/** Versions of the add-on that are told apart. */
export const PROFILES = ['v0.5', 'current'] as const;

/** `v0.5`: add-on 0.5.0. `current`: add-on 0.14 and later. */
export type ProfileName = (typeof PROFILES)[number];
