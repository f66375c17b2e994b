export {
  artefactHash,
  loadArtefactSet,
  loadFieldClasses,
  loadSourceDeclarations,
  type ArtefactPlaces,
  type ArtefactSet,
} from './artefact-set';
export { ARTEFACT_STORE_FOLDER, ArtefactStore, type StoredSetState } from './artefact-store';
export { resolveArtefactSet, type ArtefactSearch } from './artefact-choice';
export { loadPlaceholders } from './placeholders';
export { RULE_BYTES_MAX, RULE_FILES_MAX, RULE_PACK_BYTES_MAX, loadRuleFiles, type RuleFile } from './rule-files';
export {
  DECLARATION_BYTES_MAX,
  loadStreamDeclarations,
  parseStreamDeclarations,
  type StreamDeclaration,
} from './stream-declarations';
