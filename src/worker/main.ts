/** Placeholder replaced by the engine's composition root. */
export {};
