// A declaration → the words of its JSDoc, which every name of the ABI must have.

import ts from 'typescript';
import { Complaint } from './complaint.js';

/** The comment's text without its tags, lines as they are; a Complaint when there is none. */
export function docOf(node: ts.Node, name: string): string {
  const text = ts.getTextOfJSDocComment(jsDocOf(node)?.comment)?.trim();
  if (!text) throw complaintAt(node, `${name} has no documentation`);
  return text;
}

/** The text of `@param name` or, without a name, of `@returns`; a Complaint when there is none. */
export function tagOf(node: ts.Node, owner: string, param?: string): string {
  const tag = jsDocOf(node)?.tags?.find((one) =>
    param === undefined
      ? ts.isJSDocReturnTag(one)
      : ts.isJSDocParameterTag(one) && one.name.getText() === param,
  );
  const text = ts.getTextOfJSDocComment(tag?.comment);
  if (!text) {
    throw complaintAt(
      node,
      `${owner} does not document @${param === undefined ? 'returns' : `param ${param}`}`,
    );
  }
  return text.replace(/\s+/g, ' ').trim();
}

/** The word behind `@feature`, if there is one. */
export function featureOf(node: ts.Node): string | undefined {
  const tag = jsDocOf(node)?.tags?.find(({ tagName }) => tagName.text === 'feature');
  return ts.getTextOfJSDocComment(tag?.comment);
}

/** The parameters that the comment speaks of. */
export function documentedParams(node: ts.Node): string[] {
  const tags: readonly ts.JSDocTag[] = jsDocOf(node)?.tags ?? [];
  return tags.filter(ts.isJSDocParameterTag).map((tag) => tag.name.getText());
}

/** A complaint with the place, as editors understand it. */
export function complaintAt(node: ts.Node, message: string): Complaint {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  return new Complaint(`${file.fileName}:${line + 1}: ${message}`);
}

function jsDocOf(node: ts.Node): ts.JSDoc | undefined {
  return ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1);
}
