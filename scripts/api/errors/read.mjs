/**
 * The errors that Rondo's packages make, read from the sources. A site is an expression that makes one: see {@link MAKERS}, and the
 * constructors of domain errors. The comment above its statement has the tags:
 *
 * - `@cause` and `@remedy`: sentences for the developer or operator of the client.
 * - `@effect none` or `@effect possible`: whether the call may have changed anything. Without it: what `reach` or `handled` says at the
 *   site, otherwise `none` for the codes of {@link WITHOUT_EFFECT}.
 * - `@text`: the error's text, if the expression doesn't show it. `@code`: its code, likewise.
 * - `@rewraps`: the site passes on another error, or makes one that no client sees; it says which, and has no other tag.
 * - `@callers`: the function makes an error of its parameters, and each call of it in the file is a site.
 *
 * A site with the same code and text as one with tags needs none of its own.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { filesBelow } from '../../files.mjs';
import { hasWords, placeOf, textOf } from './text.mjs';

/** What makes an error, with the positions of its text and, if it isn't always the same, of its code among the parameters. */
const MAKERS = {
  RpcError: { code: 0, text: 1 },
  TransportError: { code: 0, text: 1 },
  RouterError: { code: 0, text: 1 },
  invalidArgument: { code: 'INVALID_ARGUMENT', text: 0 },
  // Watches: packages/resources/src/sql/store-database.ts turns these into statuses.
  WatchAborted: { code: 'ABORTED', text: 0 },
  WatchUnavailable: { code: 'UNAVAILABLE', text: 0 },
  InvalidResumeToken: { code: 'INVALID_ARGUMENT', text: 0 },
  // Bodies that the gateway can't read. The code depends on the reason.
  BodyError: { text: 1 },
};
const WITHOUT_EFFECT = ['INVALID_ARGUMENT', 'UNIMPLEMENTED', 'PERMISSION_DENIED', 'NOT_FOUND', 'ALREADY_EXISTS'];

/** The folders with the side that makes their errors. The longest one that a file is in counts. */
const SIDES = {};

/**
 * @typedef {object} ErrorSite
 * @property {string} file From the root of the repository.
 * @property {number} line
 * @property {string} code The code's name.
 * @property {string} text With `<name>` for each variable part.
 * @property {string} side What makes it, such as `the client`.
 * @property {string} cause
 * @property {string} remedy
 * @property {'none' | 'possible'} effect
 */

/**
 * @param {string} root Of a repository.
 * @returns {{ sites: ErrorSite[], faults: string[] }} The documented sites, and what is missing at the others.
 */
export function readErrors(root) {
  const folders = Object.keys(SIDES).filter(
    (folder) => !Object.keys(SIDES).some((other) => folder.startsWith(`${other}/`)),
  );
  const files = folders.flatMap((folder) => sourcesBelow(root, folder)).filter((file) => sideOf(file) !== undefined);
  const sources = files.map((file) =>
    ts.createSourceFile(file, readFileSync(path.join(root, file), 'utf8'), ts.ScriptTarget.Latest, true),
  );
  const makers = { ...MAKERS, ...Object.fromEntries(sources.flatMap(subclassesIn)) };
  const found = sources.flatMap((source) => sitesIn(source, makers));
  const tagged = found.filter(({ cause, remedy }) => cause !== undefined || remedy !== undefined);
  const sites = tagged.filter(({ rewraps }) => rewraps === undefined);
  const known = new Set(sites.map(keyOf));
  const others = found.filter((site) => !known.has(keyOf(site)) && site.rewraps === undefined);
  return {
    sites: found.filter((site) => known.has(keyOf(site))),
    faults: [...new Set([...sites, ...others])]
      .flatMap(faultsOf)
      .concat(sources.flatMap((source) => astray(source, found))),
  };
}

/** Sites with the same key are one error. */
export const keyOf = ({ code, text }) => `${code}: ${text}`;

function sourcesBelow(root, folder) {
  return filesBelow(path.join(root, folder))
    .map((name) => `${folder}/${name}`)
    .filter((file) => /\.ts$/.test(file) && !/\.(?:test|d)\.ts$/.test(file));
}

function sideOf(file) {
  const [folder] = Object.keys(SIDES)
    .filter((one) => file.startsWith(`${one}/`))
    .sort((one, other) => other.length - one.length);
  return SIDES[folder];
}

/** The subclasses of makers that take the same parameters. A subclass with a constructor of its own calls `super`, which is a site. */
function subclassesIn(source) {
  const classes = source.statements
    .filter(ts.isClassDeclaration)
    .filter(({ members }) => !members.some(ts.isConstructorDeclaration));
  return classes
    .filter((one) => Object.hasOwn(MAKERS, baseOf(one) ?? ''))
    .map((one) => [one.name.text, MAKERS[baseOf(one)]]);
}

function sitesIn(source, makers) {
  const wrappers = source.statements
    .filter(ts.isFunctionDeclaration)
    .filter((one) => tagsOf(one)?.callers !== undefined);
  const found = [];
  const visit = (node) => {
    const wrapper = isCall(node) && wrappers.find(({ name }) => name.text === node.expression.getText());
    if (wrapper) found.push(siteAt(node, throughWrapper(node, wrapper, makers)));
    else if (isSite(node, makers) && !wrappers.includes(functionOf(node))) found.push(siteAt(node, made(node, makers)));
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const isCall = (node) => ts.isNewExpression(node) || ts.isCallExpression(node);
const isSuper = (node) => ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.SuperKeyword;

function isSite(node, makers) {
  return isCall(node) && (makerOf(node, makers) !== undefined || (isSuper(node) && isDomainError(classOf(node))));
}

/** How the node makes an error; undefined if it makes none. */
function makerOf(node, makers) {
  const name = isSuper(node) ? baseOf(classOf(node)) : node.expression.getText();
  return Object.hasOwn(makers, name ?? '') ? makers[name] : undefined;
}

/** Whether a class is a concrete one below `DomainError`, in the file that declares that. Services have their own elsewhere. */
function isDomainError(declaration) {
  if (declaration.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.AbstractKeyword)) return false;
  const classes = declaration.getSourceFile().statements.filter(ts.isClassDeclaration);
  for (let base = baseOf(declaration); base !== undefined; ) {
    if (base === 'DomainError') return true;
    const next = classes.find(({ name }) => name?.text === base);
    base = next && baseOf(next);
  }
  return false;
}

const baseOf = ({ heritageClauses }) => heritageClauses?.[0]?.types[0]?.expression.getText();

const classOf = (node) => (ts.isClassDeclaration(node) ? node : classOf(node.parent));

const functionOf = (node) => (node === undefined || ts.isFunctionDeclaration(node) ? node : functionOf(node.parent));

/** The code, text and effect of the error, as far as the expression shows them. */
function made(node, makers) {
  const { code, text = 0 } = makerOf(node, makers) ?? {};
  const said = /\b(?:reach|handled): '(\w+)'/.exec(node.getText())?.[1];
  const refused = node.expression.getText() === 'CallRefused';
  const effect = refused ? 'none' : said && (said === 'unknown' ? 'possible' : 'none');
  return {
    code: typeof code === 'string' ? code : codeIn(node.arguments?.[code]),
    text: textOf(node.arguments?.[text]),
    effect,
  };
}

const codeIn = (argument) => /^Status\.(\w+)$/.exec(argument?.getText() ?? '')?.[1];

/** The error that a function makes of its parameters, with the arguments of one call. */
function throughWrapper(call, wrapper, makers) {
  let inner;
  const visit = (node) => {
    if (inner === undefined && isSite(node, makers)) inner = node;
    ts.forEachChild(node, visit);
  };
  visit(wrapper.body);
  const error = made(inner, makers);
  for (const [index, { name }] of wrapper.parameters.entries()) {
    const argument = call.arguments[index];
    if (!ts.isIdentifier(name) || argument === undefined) continue;
    error.code ??= codeIn(argument);
    error.text = error.text.replace(placeOf(name.text), () => textOf(argument));
  }
  return error;
}

/** The error at a node, with what the comment above its statement says. */
function siteAt(node, error) {
  const source = node.getSourceFile();
  const statement = statementOf(node);
  const { rewraps, cause, remedy, ...said } = tagsOf(statement) ?? {};
  const code = said.code ?? error.code;
  return {
    file: source.fileName,
    line: lineOf(source, statement.getStart()),
    side: sideOf(source.fileName),
    code,
    text: said.text ?? (hasWords(error.text) ? error.text : undefined),
    effect: said.effect ?? error.effect ?? (WITHOUT_EFFECT.includes(code) ? 'none' : undefined),
    cause,
    remedy,
    rewraps,
  };
}

const lineOf = (source, position) => source.getLineAndCharacterOfPosition(position).line + 1;

/** The statement or class member of a node: what stands in a block, a file or a class. */
function statementOf(node) {
  const { parent } = node;
  const isWhole =
    ts.isBlock(parent) || ts.isSourceFile(parent) || ts.isCaseOrDefaultClause(parent) || ts.isClassElement(node);
  return isWhole ? node : statementOf(parent);
}

/** The tags above a node; undefined if there are none. */
function tagsOf(node) {
  const source = node.getSourceFile();
  const comments = ts.getLeadingCommentRanges(source.text, node.getFullStart()) ?? [];
  const text = comments.map(({ pos, end }) => source.text.slice(pos, end)).join('\n');
  const lines = text.split('\n').map((line) => line.replace(/^\s*(?:\/\*\*?|\*\/|\*|\/\/)? ?|\s*\*\/$/g, '').trim());
  const tags = {};
  let last;
  for (const line of lines) {
    const [, name, rest] = /^@(cause|remedy|effect|text|code|rewraps|callers)\b:? ?(.*)$/.exec(line) ?? [];
    if (name !== undefined) tags[name] = rest;
    else if (last !== undefined && line !== '' && !line.startsWith('@')) tags[last] += ` ${line}`;
    if (name !== undefined || line === '' || line.startsWith('@')) last = name;
  }
  return Object.keys(tags).length === 0 ? undefined : tags;
}

/** What a site lacks, each with where and the remedy. */
function faultsOf({ file, line, code, text, cause, remedy, effect }) {
  const lacks = [
    !code && 'the code isn\'t written as "Status.NAME": add @code NAME',
    !text && "the text can't be read from the expression: add @text",
    !cause && 'no @cause: say in a comment above what brings the error about',
    !remedy && 'no @remedy: say in a comment above what the client, or its operator, does about it',
    !['none', 'possible'].includes(effect) && 'no @effect: add "@effect none" or "@effect possible"',
  ];
  return lacks.filter(Boolean).map((lack) => `${file}:${line}: ${lack}`);
}

/** Tags that are above no site. */
function astray(source, found) {
  const lines = source.text.split('\n');
  const covered = new Set(found.filter(({ file }) => file === source.fileName).map(({ line }) => line));
  return lines.flatMap((text, index) => {
    if (!/^\s*\/\/ @(?:cause|rewraps)\b/.test(text)) return [];
    const after = lines.slice(index).findIndex((line) => !/^\s*\/\//.test(line));
    return covered.has(index + after + 1) ? [] : [`${source.fileName}:${index + 1}: the tags are above no error`];
  });
}
