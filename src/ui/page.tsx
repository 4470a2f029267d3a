/** The page: the regions in their reading order, and what lies over them. */
import { useLayoutEffect } from "react";
import { Banners } from "./banners.tsx";
import { ConsolePanel } from "./console-panel.tsx";
import { useAppState, useTheme } from "./context.ts";
import { DropTarget } from "./drop-target.tsx";
import { EventsPanel } from "./events-panel.tsx";
import { FileDialogs } from "./file-dialogs.tsx";
import { MapPanel } from "./map-panel.tsx";
import { NewImageDialog } from "./new-image-dialog.tsx";
import { ProfilesDialog } from "./profiles-dialog.tsx";
import { ResourcesPanel } from "./resources-panel.tsx";
import { TopBar } from "./top-bar.tsx";
import { ZonePanel } from "./zone-panel.tsx";
import { ZoneTable } from "./zone-table.tsx";

export function Page() {
  const theme = useTheme();
  const dialog = useAppState((state) => state.dialog);
  useLayoutEffect(() => {
    document.documentElement.dataset["theme"] = theme;
  }, [theme]);
  return (
    <DropTarget>
      <div className="shell">
        <TopBar />
        <Banners />
        <main className="regions">
          <MapPanel />
          <div className="side">
            <ZonePanel />
            <ResourcesPanel />
          </div>
          <ZoneTable />
          <ConsolePanel />
          <EventsPanel />
        </main>
      </div>
      {dialog?.kind === "new" && <NewImageDialog />}
      {dialog?.kind === "profiles" && <ProfilesDialog />}
      {dialog !== null && (dialog.kind === "rename" || dialog.kind === "delete") && <FileDialogs dialog={dialog} />}
    </DropTarget>
  );
}
