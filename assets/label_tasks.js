// What the labels of a row are, by the task of its file: one, or any number of them as a JSON list. Draws no table and knows no server.

import { className, el } from "./label_dialogs.js";

const PARTED = "\u0000"; // no label holds it
const quiet = (words) => el("span", { class: "em-quiet" }, words);

// A change of labels is one text: what is given, and what is suggested for it; where a text may have several, one of the two is empty.
const one = {
  names: (written) => [written],
  written: (names) => names[0],
  withLabel: (written, name) => name,
  changes: (given, suggested) => [`${given}${PARTED}${suggested}`],
  changeWords: (change) => change.split(PARTED).reverse().join(" given as "),
  changesOfPair: (a, b) => [`${a}${PARTED}${b}`, `${b}${PARTED}${a}`],
  givenCells: (given, colour) => [className(given, colour(given))],
  suggestedCells: (given, suggested, colour) => [className(suggested, colour(suggested))],
  shown: (written) => written,
  takeWords: (given, suggested) => suggested,
  givesOne: true, // whether a label that is chosen is the only one
  filterName: "Which pair of labels",
  filterAll: "all pairs",
  otherWords: "Other …",
  keyWords: ["keep the label as it is", "take the suggested label", "give the label with this number"],
  bulkWords: "Give a label …",
};

const several = {
  names: (written) => JSON.parse(written),
  written: (names) => JSON.stringify(names),
  // Chosen again, a label is taken away.
  withLabel: (written, name) => {
    const names = JSON.parse(written);
    return JSON.stringify(names.includes(name) ? names.filter((other) => other !== name) : [...names, name]);
  },
  changes: (given, suggested) => [...added(given, suggested).map((name) => `${PARTED}${name}`), ...added(suggested, given).map((name) => `${name}${PARTED}`)],
  changeWords: (change) => (change.startsWith(PARTED) ? `${change.slice(1)} missing` : `${change.slice(0, -1)} too many`),
  changesOfPair: (a, b) => [`${PARTED}${a}`, `${PARTED}${b}`, `${a}${PARTED}`, `${b}${PARTED}`],
  givenCells: (given, colour) => chips(JSON.parse(given), colour),
  suggestedCells: (given, suggested, colour) => [
    ...added(given, suggested).map((name) => el("span", { class: "em-label-change" }, "add ", className(name, colour(name)))),
    ...added(suggested, given).map((name) => el("span", { class: "em-label-change" }, "remove ", className(name, colour(name)))),
  ],
  shown: (written) => JSON.parse(written).join(", ") || "no label",
  takeWords: (given, suggested) => [...added(given, suggested).map((name) => `Add ${name}`), ...added(suggested, given).map((name) => `Remove ${name}`)].join(", "),
  givesOne: false,
  filterName: "Which label is missing or too many",
  filterAll: "all labels",
  otherWords: "Add or remove …",
  keyWords: ["keep the labels as they are", "take what is suggested", "add the label with this number, or remove it"],
  bulkWords: "Add a label …",
};

// The labels of the second list that the first does not have.
const added = (before, after) => JSON.parse(after).filter((name) => !JSON.parse(before).includes(name));
const chips = (names, colour) => (names.length ? names.map((name) => className(name, colour(name))) : [quiet("no label")]);

// By ``labels`` of the table's value.
export const LABEL_TASKS = { one, several };
