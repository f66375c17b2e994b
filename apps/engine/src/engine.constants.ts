/** Token of the configuration. */
export const ENGINE_CONFIG = Symbol('ENGINE_CONFIG');
/** Token of the clock that the composition root picked. */
export const ENGINE_CLOCK = Symbol('ENGINE_CLOCK');
/** Token of the log's writer. */
export const EVENT_LOG = Symbol('EVENT_LOG');
/** Token of the log with its keys, reader and index of ids. */
export const ENGINE_LOG = Symbol('ENGINE_LOG');
/** Token of the log's reader. */
export const LOG_READER = Symbol('LOG_READER');
/** Token of the vault that seals and opens personal fields. */
export const VAULT = Symbol('VAULT');
/** Token of the enclave that holds the keys of the log. */
export const ENCLAVE = Symbol('ENCLAVE');
/** Token of the names of the declared sources. */
export const DECLARED_SOURCES = Symbol('DECLARED_SOURCES');
/** Token of the sets of artefacts. */
export const ARTEFACTS = Symbol('ARTEFACTS');
/** Token of the message bus. */
export const BUS = Symbol('BUS');
/** Token of {@link Fatal}. */
export const FATAL = Symbol('FATAL');
/** Called with the reason when the engine cannot keep its promises any more and must stop. */
export type Fatal = (reason: unknown) => void;
