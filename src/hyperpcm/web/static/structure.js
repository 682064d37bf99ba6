// A protein structure from a file of the reader: shown, and read for its sequence. The file stays in the browser.
"use strict";

const LETTERS = {
  ALA: "A", ARG: "R", ASN: "N", ASP: "D", CYS: "C", GLN: "Q", GLU: "E", GLY: "G", HIS: "H", ILE: "I",
  LEU: "L", LYS: "K", MET: "M", PHE: "F", PRO: "P", SER: "S", THR: "T", TRP: "W", TYR: "Y", VAL: "V", MSE: "M", SEC: "U",
};
const LARGEST = 20e6;

function loaded(address) {
  return new Promise((done, failed) => {
    if (window.$3Dmol) return done();
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => done();
    script.onerror = () => failed(new Error("the viewer could not be loaded"));
    document.head.append(script);
  });
}

// The residues that have coordinates, by chain, in the order of the file.
function chains(atoms) {
  const found = new Map();
  for (const atom of atoms) {
    if (atom.atom !== "CA" || !(atom.resn in LETTERS)) continue;
    const own = found.get(atom.chain) ?? new Map();
    own.set(`${atom.resi}${atom.icode ?? ""}`, LETTERS[atom.resn]);
    found.set(atom.chain, own);
  }
  return new Map([...found].map(([chain, own]) => [chain, [...own.values()].join("")]));
}

async function show(place, file) {
  const told = place.querySelector("[data-told]");
  if (file.size > LARGEST) {
    told.textContent = "This file is larger than 20 MB; paste the sequence instead.";
    return;
  }
  told.textContent = "The structure is being read …";
  await loaded(place.dataset.source);
  const text = await file.text();
  const frame = place.querySelector(".viewer");
  frame.hidden = false;
  place.viewer ??= $3Dmol.createViewer(frame, { backgroundColor: "white" });
  place.viewer.clear();
  const kind = /\.(cif|mmcif)$/i.test(file.name) ? "cif" : "pdb";
  const model = place.viewer.addModel(text, kind);
  const found = chains(model.selectedAtoms({}));
  if (found.size === 0) {
    told.textContent = `${file.name} holds no protein chain that can be read as ${kind === "cif" ? "mmCIF" : "PDB"}.`;
    frame.hidden = true;
    return;
  }
  place.viewer.setStyle({}, { cartoon: { color: "spectrum" } });
  place.viewer.setStyle({ hetflag: true }, { stick: {} });
  place.viewer.zoomTo();
  place.viewer.render();
  const list = place.querySelector("[data-chains]");
  list.replaceChildren(...[...found].map(([chain, letters]) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet small";
    button.textContent = `Take chain ${chain || "–"} (${letters.length} residues)`;
    button.addEventListener("click", () => {
      document.getElementById(place.dataset.field).value = letters;
      told.textContent = "Taken. Residues without coordinates are missing from it: the sequence of a database is better.";
    });
    return button;
  }));
  told.textContent = "";
}

for (const place of document.querySelectorAll("[data-structure]")) {
  place.hidden = false;
  place.querySelector("input[type=file]").addEventListener("change", (event) => {
    const [file] = event.target.files;
    if (file) show(place, file).catch((error) => (place.querySelector("[data-told]").textContent = `${file.name} cannot be shown: ${error.message}.`));
  });
}
