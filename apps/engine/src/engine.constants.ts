/** Injection tokens of the engine's composition root. */
export const ENGINE_CONFIG = Symbol('ENGINE_CONFIG');
export const ENGINE_CLOCK = Symbol('ENGINE_CLOCK');
export const EVENT_LOG = Symbol('EVENT_LOG');
export const ARTEFACTS = Symbol('ARTEFACTS');
export const PIPELINE = Symbol('PIPELINE');
export const BUS = Symbol('BUS');
/** Called with the reason when the engine cannot keep its promises any more and must stop. */
export const FATAL = Symbol('FATAL');
/** Type of {@link FATAL}. */
export type Fatal = (reason: unknown) => void;
