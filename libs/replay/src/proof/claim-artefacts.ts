import { createHash } from 'node:crypto';
import { ProtegoError, canonicalJson, parseCheckedYaml, parseSourceDeclarations } from '@protego/contracts';
import { compileSigma, type PipelineArtefacts } from '@protego/streams';
import type { ClaimFile, DetectionClaim } from './detection-claim';

/** SHA-256 (hex) of text in UTF-8. */
export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** Hash of a set of files by their paths and hashes, as run manifests name sets of artefacts. */
export function listingHash(listing: readonly { readonly path: string; readonly sha256: string }[]): string {
  return sha256Of(canonicalJson(listing.map(({ path, sha256 }) => ({ path, sha256 }))));
}

/** Paths of the declarations in a claim, and the names under which a run manifest gives their hashes. */
export const DECLARATION_NAMES: Readonly<Record<string, string>> = {
  'sources.yaml': 'sources',
  'placeholders.yaml': 'placeholders',
};

/** What a claim says that the pipeline is built from. */
export interface ClaimArtefacts {
  readonly artefacts: PipelineArtefacts;
  /**
   * True when all rule files of the set are held: only then it is known that no filter, correlation or document of the
   * same name in another file changes what a rule finds.
   */
  readonly isWholeSet: boolean;
}

/**
 * What a claim says that the pipeline is built from, ready to run.
 *
 * @throws ProtegoError `PROOF_INVALID` when a text is not the one whose hash the claim names, or cannot be read
 */
export function artefactsOf(claim: DetectionClaim): ClaimArtefacts {
  for (const { path, text } of claim.declarations) {
    const hash = claim.artefacts[DECLARATION_NAMES[path] ?? ''];
    if (listingHash([{ path, sha256: sha256Of(text) }]) !== hash)
      throw new ProtegoError('PROOF_INVALID', `\`${path}\` in the proof is not the one whose hash the claim names`);
  }
  const isWholeSet = checkListing(claim);
  const sources = textOf(claim, 'sources.yaml');
  const placeholders = textOf(claim, 'placeholders.yaml');
  if (sources === undefined) throw new ProtegoError('PROOF_INVALID', 'the proof lacks `sources.yaml`');
  if (placeholders === undefined && claim.artefacts['placeholders'] !== undefined)
    throw new ProtegoError('PROOF_INVALID', 'the proof lacks `placeholders.yaml`');
  const artefacts = {
    rules: compileSigma(claim.rules?.files ?? [], { placeholders: placeholdersOf(placeholders) }),
    declarations: parseSourceDeclarations(sources, 'sources.yaml'),
  };
  return { artefacts, isWholeSet };
}

/** The rule texts must be those of the set that the claim names, in its order; returns whether they are all of it. */
function checkListing({ rules, artefacts }: DetectionClaim): boolean {
  if (rules === null || rules.listing === null) return false;
  const { files, listing } = rules;
  if (listingHash(listing) !== artefacts['rules'])
    throw new ProtegoError('PROOF_INVALID', 'the list of rule files is not that of the set that the claim names');
  // Which of several documents of one name is meant hangs on their order.
  let at = 0;
  for (const { path, text } of files) {
    const sha256 = sha256Of(text);
    while (at < listing.length && (listing[at]?.path !== path || listing[at]?.sha256 !== sha256)) at++;
    if (at === listing.length)
      throw new ProtegoError('PROOF_INVALID', `the text of \`${path}\` is not that of the set that the claim names`);
    at++;
  }
  return files.length === listing.length;
}

function textOf({ declarations }: DetectionClaim, path: string): ClaimFile['text'] | undefined {
  return declarations.find((file) => file.path === path)?.text;
}

function placeholdersOf(text: string | undefined): ReadonlyMap<string, readonly string[]> {
  if (text === undefined) return new Map();
  const schema = { type: 'object', required: ['placeholders'] };
  const { placeholders } = parseCheckedYaml(text, 'placeholders.yaml', schema, 'DECLARATION_INVALID') as {
    placeholders: Readonly<Record<string, readonly string[]>>;
  };
  return new Map(Object.entries(placeholders));
}
