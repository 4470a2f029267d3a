/** The dialog "New image". It makes a qemu-img line, shows it, and runs it; what is wrong with the values is the engine's to say. */
import { RadioGroup } from "radix-ui";
import { useState } from "react";
import { createLine, NEW_IMAGE } from "../state/create-image.ts";
import type { NewImage } from "../state/create-image.ts";
import { freeName } from "../state/library.ts";
import { parseSize } from "../state/units.ts";
import { useApp, useAppState } from "./context.ts";
import { Dialog } from "./dialog.tsx";
import { TextField } from "./text-field.tsx";

type TextField = Exclude<keyof NewImage, "zoned">;

/** Fields that are numbers of bytes, and fields that are counts; whether they fit together is the engine's to say. */
const SIZES: ReadonlySet<keyof NewImage> = new Set(["size", "zoneSize", "zoneCapacity", "maxAppend"]);
const COUNTS: ReadonlySet<keyof NewImage> = new Set(["conventionalZones", "maxOpenZones", "maxActiveZones"]);

export function NewImageDialog() {
  const app = useApp();
  const files = useAppState((state) => state.library.files);
  const busy = useAppState((state) => state.busy !== null);
  const names = files.map((file) => file.name);
  const [image, setImage] = useState<NewImage>(() => ({ ...NEW_IMAGE, name: freeName(NEW_IMAGE.name, names) }));
  const taken = names.includes(image.name.trim());

  const badSize = (key: TextField): boolean => SIZES.has(key) && parseSize(image[key]) === null;
  const badCount = (key: TextField): boolean => COUNTS.has(key) && !/^\d+$/.test(image[key].trim());
  const keys = Object.keys(image) as TextField[];
  const shown = keys.filter((key) => image.zoned || key === "size");
  const field = (key: TextField, label: string, hint = "", wide = false) => (
    <TextField label={label} value={image[key]} placeholder={hint} wide={wide} wrong={badSize(key) || badCount(key) || (key === "name" && taken)} onChange={(value) => setImage({ ...image, [key]: value })} />
  );

  return (
    <Dialog
      title="New image"
      onSubmit={() => {
        if (!taken) void app.library.create(image);
      }}
      action={
        <button type="submit" className="button primary" disabled={taken || busy || image.name.trim() === ""}>
          Create
        </button>
      }
    >
      <div className="form-grid">
        {field("name", "Name", "", true)}
        {field("size", "Size")}
      </div>
      {taken && <p className="form-note">The library has an image of this name already. Choose another, or delete that one first.</p>}
      <RadioGroup.Root
        className="segmented"
        aria-label="Zones"
        value={image.zoned ? "zoned" : "plain"}
        onValueChange={(value) => setImage({ ...image, zoned: value === "zoned" })}
      >
        <RadioGroup.Item value="zoned">Zoned</RadioGroup.Item>
        <RadioGroup.Item value="plain">No zones</RadioGroup.Item>
      </RadioGroup.Root>
      {image.zoned && (
        <div className="form-grid">
          {field("zoneSize", "Zone size")}
          {field("zoneCapacity", "Zone capacity")}
          {field("conventionalZones", "Conventional zones")}
          {field("maxOpenZones", "Max open zones")}
          {field("maxActiveZones", "Max active zones")}
          {field("maxAppend", "Append limit")}
        </div>
      )}
      {image.zoned && <p className="form-hint">Of open and active zones 0 is no limit; an append limit of 0 switches appending off.</p>}
      {shown.some(badSize) && <p className="form-note">A size is a number of bytes: 4096, 64K, 1M or 2G.</p>}
      {shown.some(badCount) && <p className="form-note">A number of zones is a whole number.</p>}
      <p className="command-line" aria-label="Equivalent command">
        {createLine(image, parseSize)}
      </p>
    </Dialog>
  );
}
