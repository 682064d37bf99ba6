// The structure editor: loaded when somebody wants to draw, never before.
"use strict";

let library = null;

function editorOf(place) {
  const OCL = library;
  const editor = new OCL.CanvasEditor(place, { initialMode: "molecule" });
  return editor;
}

async function open(sketch) {
  const field = document.getElementById(sketch.dataset.field);
  const told = sketch.querySelector("[data-told]");
  told.textContent = "The editor is being loaded …";
  library ??= await import(sketch.dataset.source);
  told.textContent = "";
  sketch.querySelector("[data-editor]").hidden = false;
  sketch.editor ??= editorOf(sketch.querySelector(".editor"));
  const drawn = field.value.trim();
  if (sketch.dataset.mode === "replace" && drawn) {
    try {
      sketch.editor.setMolecule(library.Molecule.fromSmiles(drawn));
    } catch {
      told.textContent = "What is in the field is no SMILES that the editor can read; the drawing starts empty.";
    }
  }
}

function take(sketch) {
  const field = document.getElementById(sketch.dataset.field);
  const told = sketch.querySelector("[data-told]");
  const molecule = sketch.editor.getMolecule();
  if (molecule.getAllAtoms() === 0) {
    told.textContent = "Nothing is drawn yet.";
    return;
  }
  const smiles = molecule.toIsomericSmiles();
  if (sketch.dataset.mode === "replace") {
    field.value = smiles;
  } else {
    field.value = field.value.trim() ? `${field.value.trimEnd()}\n${smiles}\n` : `${smiles}\n`;
    sketch.editor.clearAll();
  }
  field.dispatchEvent(new Event("change", { bubbles: true }));
  told.textContent = `Taken: ${smiles}`;
}

for (const sketch of document.querySelectorAll("[data-sketch]")) {
  sketch.hidden = false;
  sketch.querySelector("[data-open]").addEventListener("click", () => open(sketch));
  sketch.querySelector("[data-take]").addEventListener("click", () => take(sketch));
  sketch.querySelector("[data-clear]").addEventListener("click", () => sketch.editor.clearAll());
}
