# Die Wörter der Seiten auf Deutsch. Jeder Schlüssel steht auch in en.ftl.

footer = Ein Konto für alle Ihre Anwendungen.
footer-links = Über diesen Dienst
footer-privacy = Datenschutz
footer-terms = Nutzungsbedingungen
footer-support = Hilfe
show-password = Anzeigen
hide-password = Verbergen

sign-in = Anmelden
sign-in-to = um { $client } zu verwenden
sign-in-error-mismatch = Benutzername und Passwort passen nicht zusammen. Bitte prüfen Sie beides und versuchen Sie es erneut.
sign-in-error-busy = Gerade melden sich viele Menschen an. Bitte versuchen Sie es gleich noch einmal.
sign-in-error-too-many = Es gab zu viele Versuche. Bitte warten Sie einige Minuten und versuchen Sie es erneut.
sign-in-error-expired = Diese Seite war zu lange offen. Bitte melden Sie sich erneut an.
username-or-email = Benutzername oder E-Mail
username = Benutzername
email = E-Mail
name = Name
password = Passwort

client-about = Über diese Anwendung
client-about-name = Über { $client }
client-site = Website
client-policy = Datenschutz
client-tos = Nutzungsbedingungen
client-unverified = Diese Anwendung hat sich selbst registriert und wurde vom Betreiber dieses Dienstes nicht geprüft. Erlauben Sie den Zugriff nur, wenn Sie sie kennen.

second-factor = Noch ein Schritt
totp-lead = Geben Sie den Code ein, den Ihre Authenticator-App für dieses Konto anzeigt.
totp-code = Sechsstelliger Code
recovery-lead = Geben Sie einen Ihrer aufbewahrten Wiederherstellungscodes ein. Jeder gilt einmal.
recovery-code = Wiederherstellungscode
verify = Bestätigen
use-totp = Stattdessen die Authenticator-App verwenden
use-recovery = Stattdessen einen Wiederherstellungscode verwenden
second-factor-error-mismatch = Dieser Code ist nicht gültig. Bitte geben Sie einen neuen ein.
second-factor-error-busy = Gerade melden sich viele Menschen an. Bitte versuchen Sie es gleich noch einmal.
second-factor-error-too-many = Es gab zu viele Versuche. Bitte warten Sie einige Minuten und versuchen Sie es erneut.
second-factor-error-expired = Diese Seite war zu lange offen. Bitte melden Sie sich erneut an.

consent = Zugriff erlauben
consent-title = Darf { $client } Ihr Konto verwenden?
consent-wants = Die Anwendung möchte
consent-offline = Verbunden bleiben, auch wenn Sie sie gerade nicht verwenden
consent-returns = Sie kehren zurück zu
consent-lasts = Zugriff endet nach
consent-withdraw = Sie können Ihre Erlaubnis jederzeit auf Ihrer Kontoseite zurückziehen.
signed-in-as = Angemeldet als { $username }
allow = Erlauben
deny = Ablehnen
span-minutes = { $count ->
    [one] { $count } Minute
   *[other] { $count } Minuten
}
span-hours = { $count ->
    [one] { $count } Stunde
   *[other] { $count } Stunden
}
span-days = { $count ->
    [one] { $count } Tag
   *[other] { $count } Tagen
}

scope-openid = Wissen, wer Sie bei diesem Dienst sind
scope-profile = Ihren Namen und Ihr Profil sehen
scope-email = Ihre E-Mail-Adresse sehen
scope-address = Ihre Postanschrift sehen
scope-phone = Ihre Telefonnummer sehen
scope-offline_access = Verbunden bleiben, auch wenn Sie sie gerade nicht verwenden

select-account = Konto auswählen
continue-as = Weiter als { $username }
other-account = Anderes Konto verwenden

device = Gerät verbinden
device-lead = Geben Sie den Code ein, den Ihr Gerät anzeigt.
device-code = Code
device-error-mismatch = Dieser Code ist nicht mehr gültig. Bitte prüfen Sie ihn oder fordern Sie auf Ihrem Gerät einen neuen an.
device-error-too-many = Es gab zu viele Versuche. Bitte warten Sie einige Minuten und versuchen Sie es erneut.
device-confirm-title = { $client } auf Ihrem Gerät verbinden?
device-check = Erlauben Sie es nur, wenn Ihr Gerät diesen Code anzeigt und Sie den Vorgang selbst begonnen haben:
device-allowed = Ihr Gerät ist verbunden
device-allowed-lead = Sie können zu Ihrem Gerät zurückkehren und diese Seite schließen.
device-denied = Ihr Gerät wurde nicht verbunden
device-denied-lead = Sie können diese Seite schließen.
continue = Weiter

error = Fehler
error-title-request = So geht es nicht weiter
error-title-missing = Hier ist nichts
error-title-server = Bei uns ist etwas schiefgegangen
error-code = Fehler
request-id = Anfrage
message-unknown-client = Die Anwendung, die Sie hierher geschickt hat, ist diesem Dienst nicht bekannt. Bitte wenden Sie sich an ihren Betreiber.
message-redirect-uri = Die Anwendung wollte Sie an eine Adresse schicken, die sie nicht registriert hat; deshalb geht es hier nicht weiter. Bitte wenden Sie sich an ihren Betreiber.
message-invalid-request = Die Anwendung hat eine Anfrage geschickt, die dieser Dienst nicht versteht. Bitte wenden Sie sich an ihren Betreiber.
message-expired = Diese Seite war zu lange offen oder wurde in einem anderen Browser geöffnet. Bitte kehren Sie zur Anwendung zurück und beginnen Sie von vorn.
message-forgery = Dieses Formular stammt nicht aus Ihrer eigenen Sitzung. Bitte kehren Sie zur Anwendung zurück und beginnen Sie von vorn.
message-forbidden = Ihr Konto darf das nicht.
message-not-found = Die gesuchte Seite gibt es nicht.
message-too-many = Es gab zu viele Anfragen. Bitte warten Sie einige Minuten und versuchen Sie es erneut.
message-busy = Der Dienst ist stark ausgelastet. Bitte versuchen Sie es gleich noch einmal.
message-internal = Bitte versuchen Sie es später erneut. Wenn es wieder geschieht, nennen Sie dem Betreiber die Nummer der Anfrage.
message-logout-request = Die Anwendung wollte Sie auf eine Weise abmelden, der dieser Dienst nicht trauen kann. Sie sind weiterhin angemeldet.

sign-out = Abmelden
sign-out-title = Abmelden?
sign-out-question = Sie sind als { $username } angemeldet. Möchten Sie sich von diesem Dienst abmelden?
sign-out-question-client = { $client } möchte Sie abmelden. Sie sind als { $username } angemeldet. Möchten Sie sich von diesem Dienst abmelden?
sign-out-refused = Sie wurden nicht abgemeldet
signed-out = Sie sind abgemeldet
signed-out-lead = Sie können diese Seite schließen.
signed-out-lead-client = Sie haben sich von { $client } abgemeldet. Sie können diese Seite schließen.

returning = Sie kehren zur Anwendung zurück
returning-lead = Bitte gehen Sie weiter, um abzuschließen.

set-up = Diesen Dienst einrichten
set-up-lead = Legen Sie das erste Administratorkonto an. Dieser Link gilt einmal.
set-up-create = Administratorkonto anlegen
set-up-error-link-invalid = Dieser Link wurde schon verwendet oder ist zu alt. Bitte erzeugen Sie mit „chancery setup-link“ einen neuen.
set-up-error-username = Bitte wählen Sie einen anderen Benutzernamen: Erlaubt sind 3 bis 50 Buchstaben ohne Umlaute, Ziffern, _ und -.
set-up-error-email = Bitte geben Sie eine E-Mail-Adresse ein.
set-up-error-taken = Ein anderes Konto hat diesen Benutzernamen oder diese E-Mail-Adresse.
set-up-error-busy = Der Dienst ist stark ausgelastet. Bitte versuchen Sie es gleich noch einmal.
password-hint = Mindestens { $count } Zeichen. Einige Wörter ohne Zusammenhang ergeben ein gutes Passwort.
password-error-too-short = Bitte wählen Sie ein Passwort mit mindestens { $count } Zeichen.
password-error-too-long = Dieses Passwort ist zu lang; höchstens 256 Zeichen sind möglich.
password-error-nul = Dieses Passwort enthält ein Zeichen, das nicht verwendet werden kann.
password-error-common = Das ist eines der häufigsten Passwörter. Bitte wählen Sie ein anderes.
password-error-personal = Dieses Passwort enthält Ihren Namen, Ihre E-Mail-Adresse oder den Namen dieses Dienstes. Bitte wählen Sie ein anderes.
password-error-guessable = Dieses Passwort ist leicht zu erraten. Besser sind ein paar Wörter ohne Zusammenhang.
password-error-no-lower = Bitte verwenden Sie mindestens einen Kleinbuchstaben.
password-error-no-upper = Bitte verwenden Sie mindestens einen Großbuchstaben.
password-error-no-digit = Bitte verwenden Sie mindestens eine Ziffer.
password-error-no-symbol = Bitte verwenden Sie mindestens ein Zeichen, das weder Buchstabe noch Ziffer ist.
password-error-used = Dieses Passwort verwenden Sie bereits oder haben es vor Kurzem verwendet. Bitte wählen Sie ein anderes.
password-error-breached = Dieses Passwort ist aus einem Einbruch bei einem anderen Dienst bekannt. Bitte wählen Sie ein anderes.
password-must-change = Neues Passwort wählen
password-must-change-lead = Bevor es weitergeht, wählen Sie bitte ein neues Passwort. Danach sind Sie überall sonst abgemeldet.

sign-up = Konto anlegen
sign-up-link = Konto anlegen
sign-up-have = Ich habe ein Konto: anmelden
username-hint = 3 bis 50 Buchstaben ohne Umlaute, Ziffern, _ und -
full-name = Vollständiger Name (freiwillig)
sign-up-error-username = Bitte wählen Sie einen anderen Benutzernamen: Erlaubt sind 3 bis 50 Buchstaben ohne Umlaute, Ziffern, _ und -.
sign-up-error-username-taken = Dieser Benutzername ist nicht verfügbar. Bitte wählen Sie einen anderen.
sign-up-error-email = Bitte geben Sie eine E-Mail-Adresse ein.
sign-up-error-name = Bitte geben Sie einen Namen mit höchstens 100 Zeichen ein.
sign-up-error-mismatch = Das ist nicht das Passwort, das für dieses Konto gewählt wurde.
sign-up-error-busy = Der Dienst ist stark ausgelastet. Bitte versuchen Sie es gleich noch einmal.
sign-up-error-too-many = Es gab zu viele Versuche. Bitte warten Sie einige Minuten und versuchen Sie es erneut.
sign-up-confirm = E-Mail-Adresse bestätigen
sign-up-confirm-lead = Damit wird das Konto { $username } angelegt.
sign-up-confirm-password = Sie haben diesen Link in einem anderen Browser geöffnet als dem, in dem Sie begonnen haben. Bitte geben Sie das Passwort ein, das Sie gewählt haben.
sign-up-confirm-button = Bestätigen und Konto anlegen
forgot = Passwort vergessen?
forgot-link = Passwort vergessen?
forgot-lead = Geben Sie Ihren Benutzernamen oder Ihre E-Mail-Adresse ein. Wir senden Ihnen einen Link, mit dem Sie ein neues Passwort wählen.
forgot-send = Link senden
back-to-sign-in = Zurück zur Anmeldung
reset = Neues Passwort wählen
reset-lead = Für das Konto { $username }. Danach sind Sie überall abgemeldet; zweite Faktoren bleiben, wie sie sind.
reset-button = Passwort ändern
notice-sign-up-mail = Sehen Sie in Ihre E-Mails
notice-sign-up-mail-lead = Wir haben eine E-Mail an die eingegebene Adresse gesendet. Darin steht, wie es weitergeht; sie gilt 24 Stunden. Wenn sie nicht ankommt, sehen Sie bitte im Spam-Ordner nach.
notice-sign-up-mail-link = Zurück zur Anmeldung
notice-sign-up-invite = Sie brauchen eine Einladung
notice-sign-up-invite-lead = Hier kann nur ein Konto anlegen, wer eingeladen wurde; jede Einladung gilt einmal. Bitte wenden Sie sich an die Betreiber dieses Dienstes.
notice-sign-up-invite-link = Zurück zur Anmeldung
notice-sign-up-link = Dieser Link gilt nicht
notice-sign-up-link-lead = Er wurde schon verwendet, ist zu alt oder wurde durch einen neueren ersetzt. Wenn Sie schon ein Konto haben, melden Sie sich an.
notice-sign-up-link-link = Anmelden
notice-sign-up-name = Dieser Benutzername wurde inzwischen vergeben
notice-sign-up-name-lead = Es wurde kein Konto angelegt. Bitte beginnen Sie mit einem anderen Benutzernamen von vorn.
notice-sign-up-name-link = Von vorn beginnen
notice-sign-up-email = Sie haben schon ein Konto
notice-sign-up-email-lead = Zu dieser E-Mail-Adresse gibt es inzwischen ein Konto. Bitte melden Sie sich an.
notice-sign-up-email-link = Anmelden
notice-sign-up-done = Ihr Konto ist bereit
notice-sign-up-done-lead = Sie können sich jetzt anmelden.
notice-sign-up-done-link = Anmelden
notice-forgot-mail = Sehen Sie in Ihre E-Mails
notice-forgot-mail-lead = Wenn es ein solches Konto gibt, haben wir einen Link an seine E-Mail-Adresse gesendet. Er gilt 30 Minuten. Wenn er nicht ankommt, sehen Sie bitte im Spam-Ordner nach.
notice-forgot-mail-link = Zurück zur Anmeldung
notice-reset-link = Dieser Link gilt nicht
notice-reset-link-lead = Er wurde schon verwendet, ist zu alt oder wurde durch einen neueren ersetzt.
notice-reset-link-link = Einen neuen Link anfordern
notice-reset-done = Ihr Passwort ist geändert
notice-reset-done-lead = Sie wurden überall abgemeldet. Bitte melden Sie sich mit dem neuen Passwort an.
notice-reset-done-link = Anmelden

account = Ihr Konto
account-sessions = Wo Sie angemeldet sind
account-apps = Anwendungen mit Ihrer Erlaubnis
session-current = Dieser Browser
session-since = angemeldet seit
session-end = Abmelden
app-withdraw = Zurückziehen
apps-none = Sie haben keiner Anwendung den Zugriff auf Ihr Konto erlaubt.

home = Anmeldedienst
home-title = Ein Konto, alle Anwendungen
home-lead = Dieser Dienst meldet Sie bei den Anwendungen Ihrer Organisation an. Sie schicken Sie hierher, wenn sie wissen müssen, wer Sie sind.

mail-footer = Diese Mail wurde automatisch von { $service } unter { $site } verschickt. Antworten darauf liest niemand.
mail-open-account = Konto ansehen
mail-not-you = Wenn Sie das nicht waren: Melden Sie sich gleich an, ändern Sie Ihr Passwort und sehen Sie Ihre zweiten Faktoren und Sitzungen durch.
mail-link-minutes = Der Link gilt einmal und { $count ->
    [one] { $count } Minute
   *[other] { $count } Minuten
} lang.
mail-link-hours = Der Link gilt einmal und { $count ->
    [one] { $count } Stunde
   *[other] { $count } Stunden
} lang.
mail-link-days = Der Link gilt einmal und { $count ->
    [one] { $count } Tag
   *[other] { $count } Tage
} lang.
mail-confirm-registration-subject = Bestätigen Sie Ihr Konto bei { $service }
mail-confirm-registration-lead = Jemand, hoffentlich Sie, möchte mit dieser Adresse ein Konto namens { $name } bei { $service }. Bitte bestätigen Sie, dass die Adresse Ihnen gehört; dann ist das Konto bereit.
mail-confirm-registration-action = Bestätigen und Konto anlegen
mail-confirm-registration-note = Wenn Sie kein Konto wollten, tun Sie nichts: Es wird keines angelegt.
mail-already-registered-subject = Sie haben schon ein Konto bei { $service }
mail-already-registered-lead = Jemand, hoffentlich Sie, wollte diese Adresse für ein Konto bei { $service } verwenden. Sie gehört schon zu einem, deshalb wurde nichts geändert.
mail-already-registered-action = Anmelden
mail-already-registered-other = Neues Passwort wählen
mail-already-registered-note = Wenn Sie das nicht waren, brauchen Sie nichts zu tun.
mail-invitation-subject = Einladung zu { $service }
mail-invitation-lead = Sie sind eingeladen, mit dieser Adresse ein Konto bei { $service } anzulegen.
mail-invitation-action = Einladung annehmen
mail-invitation-note = Wenn Sie kein Konto möchten, tun Sie nichts.
mail-reset-password-subject = Neues Passwort für { $service }
mail-reset-password-lead = Jemand, hoffentlich Sie, hat das Passwort Ihres Kontos bei { $service } vergessen. Sie können ein neues wählen.
mail-reset-password-action = Neues Passwort wählen
mail-reset-password-note = Wenn Sie das nicht wollten, tun Sie nichts: Ihr Passwort bleibt, wie es ist. Niemand von { $service } wird Sie je nach diesem Link fragen.
mail-password-changed-subject = Ihr Passwort wurde geändert
mail-password-changed-lead = Das Passwort Ihres Kontos bei { $service } wurde geändert. Überall sonst wurden Sie abgemeldet.
mail-factor-added-subject = Ein zweiter Faktor kam dazu
mail-factor-added-lead = Der zweite Faktor „{ $name }“ wurde Ihrem Konto bei { $service } hinzugefügt.
mail-factor-removed-subject = Ein zweiter Faktor wurde entfernt
mail-factor-removed-lead = Der zweite Faktor „{ $name }“ wurde aus Ihrem Konto bei { $service } entfernt.
mail-recovery-codes-made-subject = Sie haben neue Wiederherstellungscodes
mail-recovery-codes-made-lead = Für Ihr Konto bei { $service } gibt es neue Wiederherstellungscodes. Ältere Codes gelten nicht mehr.
mail-recovery-code-used-subject = Ein Wiederherstellungscode wurde benutzt
mail-recovery-code-used-lead = Mit einem Wiederherstellungscode hat sich jemand in Ihrem Konto bei { $service } angemeldet. { $count ->
    [0] Es ist keiner mehr übrig; bitte legen Sie neue an.
    [one] Ein Code ist noch übrig; bitte legen Sie neue an.
   *[other] { $count } Codes sind noch übrig.
}
mail-confirm-new-email-subject = Bestätigen Sie Ihre neue E-Mail-Adresse
mail-confirm-new-email-lead = Jemand, hoffentlich Sie, möchte diese Adresse für das Konto { $name } bei { $service } verwenden. Bitte bestätigen Sie nur, wenn Adresse und Konto Ihnen gehören.
mail-confirm-new-email-action = Adresse bestätigen
mail-confirm-new-email-note = Wenn Sie davon nichts wissen, tun Sie nichts: Die Adresse wird nicht verwendet.
mail-email-change-asked-subject = Ihre E-Mail-Adresse soll sich ändern
mail-email-change-asked-lead = Die E-Mail-Adresse Ihres Kontos bei { $service } soll { $address } werden. Sie ändert sich, sobald die neue Adresse bestätigt ist.
mail-email-change-asked-action = Bisherige Adresse behalten
mail-email-change-asked-note = Wenn Sie das nicht waren, folgen Sie dem Link, melden Sie sich dann an und ändern Sie Ihr Passwort.
mail-confirm-email-change-subject = Bestätigen Sie die Änderung Ihrer E-Mail-Adresse
mail-confirm-email-change-lead = Die E-Mail-Adresse Ihres Kontos bei { $service } soll { $address } werden. Sie ändert sich, sobald beide Adressen bestätigt sind, diese und die neue.
mail-confirm-email-change-action = Änderung bestätigen
mail-confirm-email-change-other = Bisherige Adresse behalten
mail-confirm-email-change-note = Wenn Sie das nicht waren, bestätigen Sie nichts. Behalten Sie die bisherige Adresse, melden Sie sich dann an und ändern Sie Ihr Passwort.
mail-email-changed-subject = Ihre E-Mail-Adresse wurde geändert
mail-email-changed-lead = Die E-Mail-Adresse Ihres Kontos bei { $service } ist jetzt { $address }. Mails gehen von nun an dorthin.
mail-sign-ins-blocked-subject = Zu viele falsche Passwörter
mail-sign-ins-blocked-lead = Jemand hat viele falsche Passwörter für Ihr Konto bei { $service } versucht. Bis Sie ein neues wählen, können Sie sich nur noch in Browsern anmelden, die Sie schon benutzt haben.
mail-sign-ins-blocked-action = Neues Passwort wählen
mail-sign-ins-blocked-note = Wenn nicht Sie es versucht haben: Ihr Passwort wurde nicht erraten; ein neues öffnet Ihr Konto wieder.
mail-upstream-linked-subject = Ein weiterer Weg zur Anmeldung wurde verbunden
mail-upstream-linked-lead = Von jetzt an können Sie sich mit { $name } in Ihrem Konto bei { $service } anmelden.
mail-upstream-unlinked-subject = Ein Weg zur Anmeldung wurde getrennt
mail-upstream-unlinked-lead = Mit { $name } können Sie sich nicht mehr in Ihrem Konto bei { $service } anmelden.
mail-account-deleted-subject = Ihr Konto wurde gelöscht
mail-account-deleted-lead = Ihr Konto bei { $service } und was dazu gespeichert war, wurde gelöscht.

scope-account-read = Ihr Konto sehen: Profil, Sitzungen, Anwendungen und Anmeldeverfahren
scope-account-write = Ihr Konto ändern: Profil, E-Mail, Passwort, Sitzungen und Anwendungen

nav-profile = Profil
nav-security = Sicherheit
nav-sessions = Sitzungen
nav-apps = Anwendungen
account-open = Zu Ihrem Konto
save = Speichern
change = Ändern
cancel = Abbrechen
notice-profile-saved = Ihr Profil ist gespeichert.
notice-email-asked = Bitte sehen Sie in Ihr Postfach und folgen Sie dem Link, um die Änderung abzuschließen.
notice-password-changed = Ihr Passwort ist geändert. Überall sonst sind Sie abgemeldet.
notice-session-ended = Die Sitzung ist beendet.
notice-sessions-ended = Überall sonst sind Sie abgemeldet.
notice-app-ended = Die Anwendung kann Ihr Konto nicht mehr verwenden.

account-profile-lead = Was dieser Dienst über Sie weiß und was Anwendungen mit Ihrer Erlaubnis sehen.
account-about-you = Über Sie
email-verified = bestätigt
email-unverified = nicht bestätigt
email-none = Keine E-Mail-Adresse
password-none = Kein Passwort
profile-error = Einige Angaben können so nicht gespeichert werden. Bitte prüfen Sie die markierten Zeilen.
profile-name = Voller Name
profile-nickname = Spitzname
profile-given_name = Vorname
profile-middle_name = Weitere Vornamen
profile-family_name = Nachname
profile-gender = Geschlecht
profile-birthdate = Geburtsdatum
profile-website = Website
profile-profile = Profilseite
profile-picture = Bild
profile-locale = Sprache
profile-zoneinfo = Zeitzone
profile-hint-name = So, wie Anwendungen ihn zeigen
profile-hint-nickname = Wie Freunde Sie nennen
profile-hint-given_name = Freiwillig
profile-hint-middle_name = Freiwillig
profile-hint-family_name = Freiwillig
profile-hint-gender = In Ihren eigenen Worten
profile-hint-birthdate = Etwa 1984-05-17 oder nur das Jahr
profile-hint-website = Etwa https://example.org
profile-hint-profile = Die Adresse einer Seite über Sie
profile-hint-picture = Die Adresse eines Bildes von Ihnen
profile-hint-locale = Etwa de oder de-AT; E-Mails kommen nach Möglichkeit in dieser Sprache
profile-hint-zoneinfo = Etwa Europe/Berlin

email-change = E-Mail-Adresse ändern
email-change-lead = Ihre Adresse ist { $email }. Sie gilt weiter, bis die Änderung bestätigt ist.
email-set-lead = Wir schicken einen Link an die Adresse, die Sie eingeben.
email-change-both = Wir schicken einen Link an Ihre alte und einen an die neue Adresse. Bitte folgen Sie beiden.
email-new = Neue E-Mail-Adresse
email-send = Links schicken
email-error-invalid = Bitte geben Sie eine E-Mail-Adresse ein.
email-error-same = Das ist bereits Ihre Adresse.
email-error-too-many = Zuletzt wurden zu viele Links verschickt. Bitte warten Sie und versuchen Sie es erneut.
email-link-confirm = Adressänderung bestätigen
email-link-lead-confirm = Die E-Mail-Adresse des Kontos { $username } soll { $email } werden. Bitte bestätigen Sie nur, wenn das Ihr Konto ist.
email-link-confirm-button = Bestätigen
email-link-changed = Die Adresse ist geändert
email-link-lead-changed = Ihre E-Mail-Adresse ist jetzt { $email }.
email-link-waiting = Noch ein Link
email-link-lead-waiting = Danke. Bitte folgen Sie auch dem Link im anderen Postfach; dann wird { $email } Ihre Adresse.
email-link-undo = Adressänderung rückgängig machen
email-link-lead-undo = Ihre E-Mail-Adresse wird { $email } sein, und alle Browser und Anwendungen werden von Ihrem Konto abgemeldet.
email-link-undo-button = Rückgängig machen
email-link-undone = Die Änderung ist rückgängig gemacht
email-link-lead-undone = Ihre E-Mail-Adresse ist { $email }. Alle wurden abgemeldet. Wenn Sie die Änderung nicht veranlasst haben, wählen Sie bitte auch ein neues Passwort.
email-link-taken = Die Adresse ist nicht möglich
email-link-lead-taken = { $email } kann nicht die Adresse dieses Kontos werden. Bitte wählen Sie eine andere.
email-link-invalid = Dieser Link gilt nicht
email-link-lead-invalid = Er wurde schon verwendet, ist zu alt oder durch einen neueren ersetzt.

password-change = Passwort ändern
password-change-lead = Danach sind Sie überall außer hier abgemeldet.
password-current = Aktuelles Passwort
password-new = Neues Passwort
password-change-error-mismatch = Das aktuelle Passwort stimmt nicht.
password-change-error-too-many = Es gab zu viele Versuche. Bitte warten Sie einige Minuten und versuchen Sie es erneut.
password-change-error-busy = Der Dienst ist stark ausgelastet. Bitte versuchen Sie es gleich noch einmal.

account-sessions-lead = Kennen Sie alle? Beenden Sie, was Sie nicht kennen, und ändern Sie Ihr Passwort.
session-two-factors = Zwei Faktoren
session-unknown = Unbekanntes Gerät
session-seen = zuletzt gesehen
sessions-end-title = An mehreren Stellen abmelden
sessions-end-lead = Anwendungen, denen Sie eine dauerhafte Verbindung erlaubt haben, behalten den Zugriff; beenden Sie ihn unter Anwendungen.
sessions-end-others = Überall sonst abmelden
sessions-end-all = Überall abmelden
account-apps-lead = Anwendungen, bei denen Sie sich angemeldet oder denen Sie den Zugriff auf Ihr Konto erlaubt haben.
app-since = seit
app-used = zuletzt verwendet

passkey = Passkey
passkey-use = Passkey verwenden
passkey-add = Passkey hinzufügen
passkey-lead = Verwenden Sie Ihren Passkey oder Sicherheitsschlüssel.
passkey-error = Das hat nicht geklappt. Bitte versuchen Sie es noch einmal oder wählen Sie einen anderen Weg.
passkeys = Passkeys
passkeys-lead = Ein Passkey auf Telefon, Computer oder Sicherheitsschlüssel meldet Sie ohne Passwort an und kann von keiner falschen Seite abgefangen werden.
passkeys-script = Passkeys brauchen JavaScript.
totp = Authenticator-App
totp-add = Authenticator-App hinzufügen
totp-default-name = Authenticator-App
totp-step-scan = Scannen Sie dies mit Ihrer Authenticator-App.
totp-qr = QR-Code für die Authenticator-App
totp-by-hand = Oder den Schlüssel in die App eintippen
totp-step-code = Geben Sie den sechsstelligen Code ein, den die App anzeigt
enrol = Schützen Sie Ihr Konto
enrol-lead = Dieses Konto braucht einen zweiten Nachweis, dass Sie es sind. Richten Sie einen ein, um fortzufahren.
factors = Zweite Faktoren
factors-lead = Nach Ihrem Passwort weist einer davon nach, dass Sie es sind.
factors-required = Ihr Konto muss mindestens einen behalten.
factors-none = Noch keine. Fügen Sie eine Authenticator-App oder einen Passkey hinzu.
factor-name = Name
factor-kind-totp = Authenticator-App
factor-kind-passkey = Passkey
factor-added = Hinzugefügt
factor-used = zuletzt benutzt
factor-unused = nie benutzt
factor-rename = Umbenennen
factor-save = Speichern
factor-remove = Entfernen
factor-error-mismatch = Dieser Code stimmt nicht. Prüfen Sie die Uhrzeit Ihres Geräts und geben Sie den Code ein, den es jetzt anzeigt.
factor-error-expired = Diese Seite war zu lange offen. Bitte beginnen Sie von vorn.
factor-error-too-many = Ihr Konto hat so viele, wie es haben darf. Entfernen Sie zuerst einen.
factor-error-needed = Ihr Konto muss mindestens einen zweiten Faktor behalten. Fügen Sie einen anderen hinzu, bevor Sie diesen entfernen.
recovery-codes = Wiederherstellungscodes
recovery-codes-lead = Jeder dieser Codes meldet Sie einmal an, wenn Sie alles andere verloren haben. Sie werden nur jetzt gezeigt: Bewahren Sie sie sicher auf.
recovery-codes-file = Als Datei speichern
recovery-codes-kept = Ich habe sie aufbewahrt
recovery-codes-make = Neue Codes erzeugen
recovery-codes-made = Erzeugt
recovery-codes-left = { $count ->
    [0] Kein Code ist übrig.
    [one] { $count } Code ist übrig.
   *[other] { $count } Codes sind übrig.
}
notice-factor-added = Der zweite Faktor wurde hinzugefügt.
notice-factor-renamed = Der Name wurde geändert.
notice-factor-removed = Der zweite Faktor wurde entfernt. Ihre anderen Sitzungen wurden beendet.
or = oder

upstream-or = oder
upstream-use = Weiter mit { $upstream }
upstream-unknown = Noch kein Konto verbunden
upstream-unknown-lead = Sie haben sich bei { $upstream } angemeldet. Damit ist hier noch kein Konto verbunden.
upstream-unknown-person = Sie haben sich bei { $upstream } als { $person } angemeldet. Damit ist hier noch kein Konto verbunden.
upstream-connect-hint = Haben Sie hier ein Konto? Melden Sie sich einmal daran an. Danach genügt { $upstream }.
upstream-connect-mine = Mein Konto verbinden
upstream-create-hint = Sind Sie neu hier?
upstream-create = Neues Konto anlegen
upstream-confirm = { $upstream } verbinden?
upstream-confirm-lead = Wer sich wie eben bei { $upstream } anmeldet, kann sich dann an diesem Konto anmelden.
upstream-confirm-person = Wer sich bei { $upstream } als { $person } anmeldet, kann sich dann an diesem Konto anmelden.
upstream-connect = Verbinden
upstream-skip = Nicht jetzt
message-upstream-refused = Der andere Dienst hat Sie nicht angemeldet. Gehen Sie bitte zurück und versuchen Sie es noch einmal oder melden Sie sich anders an.
message-upstream-failed = Der Antwort des anderen Dienstes kann dieser Dienst nicht trauen, deshalb wurde niemand angemeldet. Gehen Sie bitte zurück und melden Sie sich anders an.
message-upstream-away = Der andere Dienst antwortet gerade nicht. Versuchen Sie es bitte später noch einmal oder gehen Sie zurück und melden Sie sich anders an.
message-upstream-account = Dieses Konto kann sich nicht anmelden. Bitte wenden Sie sich an den Betreiber dieses Dienstes.

nav-identities = Verbundene Anmeldungen
identities-lead = Andere Dienste, die Sie an diesem Konto anmelden können.
identities-none = Kein anderer Dienst ist verbunden.
identities-connect = Einen weiteren Dienst verbinden
identity-connect = { $upstream } verbinden
identity-closed = Nicht verfügbar
identity-since = verbunden seit
identity-used = zuletzt genutzt
identity-end = Trennen
notice-identity-ended = Der Dienst ist getrennt.
notice-identity-last = Dies ist Ihre einzige Möglichkeit, sich anzumelden. Setzen Sie zuerst ein Passwort oder fügen Sie einen Passkey hinzu.
notice-identity-taken = Diese Anmeldung ist bereits verbunden.
