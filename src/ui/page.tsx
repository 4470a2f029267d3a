/** The page: the regions in their reading order, and what lies over them. */
import { Tooltip } from "radix-ui";
import { Banners } from "./banners.tsx";
import { ConsolePanel } from "./console-panel.tsx";
import { useApp, useAppState, useLink } from "./context.ts";
import { DropTarget } from "./drop-target.tsx";
import { EventsPanel } from "./events-panel.tsx";
import { Inspector } from "./inspector.tsx";
import { LessonsPanel } from "./lessons-panel.tsx";
import { LinkStrip } from "./link-strip.tsx";
import { MapPanel } from "./map-panel.tsx";
import { PaletteWait } from "./palette-wait.tsx";
import { DialogMissing, part } from "./part.tsx";
import { ResourcesPanel } from "./resources-panel.tsx";
import { TopBar } from "./top-bar.tsx";
import { useShortcuts } from "./use-shortcuts.ts";
import { ZonePanel } from "./zone-panel.tsx";
import { ZoneTable } from "./zone-table.tsx";

const FileDialogs = part(async () => (await import("./file-dialogs.tsx")).FileDialogs, null, DialogMissing);
const HelpDialog = part(async () => (await import("./help-dialog.tsx")).HelpDialog, null, DialogMissing);
const NewImageDialog = part(async () => (await import("./new-image-dialog.tsx")).NewImageDialog, null, DialogMissing);
const PaletteDialog = part(async () => (await import("./palette-dialog.tsx")).PaletteDialog, <PaletteWait />, DialogMissing);
const ProfilesDialog = part(async () => (await import("./profiles-dialog.tsx")).ProfilesDialog, null, DialogMissing);
const StorageDialog = part(async () => (await import("./storage-dialog.tsx")).StorageDialog, null, DialogMissing);
const ShareDialog = part(async () => (await import("./share-dialog.tsx")).ShareDialog, null, DialogMissing);

export function Page() {
  const link = useLink();
  const past = useAppState((state) => state.moment !== null);
  const ready = useAppState((state) => state.ready);
  // Until it is known, an image is expected to have zones: most have, and nothing moves when it comes.
  const zoneless = useAppState((state) => (state.past ?? state.attached?.zones ?? null) === null) && ready;
  useShortcuts(useApp());
  const dialog = useAppState((state) => state.dialog);
  // Beside a link's commands there are lessons when the link names one, or a file brought one.
  const lessons = useAppState(({ lessons: { shown, trouble } }) => shown !== null || trouble !== null);
  return (
    <Tooltip.Provider delayDuration={350} skipDelayDuration={200}>
      <DropTarget>
        <div className="shell">
          <TopBar />
          <Banners />
          {link !== null && <LinkStrip house={link} />}
          <div className={`regions${past ? " in-past" : ""}${zoneless ? " zoneless" : ""}${ready ? "" : " coming"}`}>
            {(link === null || link.link.lesson !== null || link.link.lessonText !== null || lessons) && <LessonsPanel />}
            <main>
              <MapPanel />
              <div className="side">
                <ZonePanel />
                <ResourcesPanel />
              </div>
              <ZoneTable />
              <Inspector />
              <ConsolePanel />
              <EventsPanel />
            </main>
          </div>
        </div>
        {dialog?.kind === "new" && <NewImageDialog />}
        {dialog?.kind === "palette" && <PaletteDialog />}
        {dialog?.kind === "help" && <HelpDialog />}
        {dialog?.kind === "share" && <ShareDialog />}
        {dialog?.kind === "storage" && <StorageDialog />}
        {dialog?.kind === "profiles" && <ProfilesDialog />}
        {dialog !== null && (dialog.kind === "rename" || dialog.kind === "delete") && <FileDialogs dialog={dialog} />}
      </DropTarget>
    </Tooltip.Provider>
  );
}
