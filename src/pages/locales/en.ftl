# The words of the pages in English. Every key here exists in every other language too.

footer = One account for all your apps.
footer-links = About this service
footer-privacy = Privacy
footer-terms = Terms of use
footer-support = Help
show-password = Show
hide-password = Hide

sign-in = Sign in
sign-in-to = to continue to { $client }
sign-in-error-mismatch = User name and password do not match. Please check both and try again.
sign-in-error-busy = Many people are signing in right now. Please try again in a moment.
sign-in-error-too-many = There were too many attempts. Please wait a few minutes and try again.
sign-in-error-expired = This page was open for too long. Please sign in again.
username-or-email = User name or e-mail
username = User name
email = E-mail
name = Name
password = Password

client-about = About this app
client-about-name = About { $client }
client-site = Website
client-policy = Privacy policy
client-tos = Terms of service
client-unverified = This app registered itself and has not been checked by the operator of this service. Allow it only if you know it.

second-factor = One more step
totp-lead = Enter the code that your authenticator app shows for this account.
totp-code = Six-digit code
recovery-lead = Enter one of the recovery codes you kept. Each works once.
recovery-code = Recovery code
verify = Verify
use-totp = Use the authenticator app instead
use-recovery = Use a recovery code instead
second-factor-error-mismatch = This code is not valid. Please enter a fresh one.
second-factor-error-busy = Many people are signing in right now. Please try again in a moment.
second-factor-error-too-many = There were too many attempts. Please wait a few minutes and try again.
second-factor-error-expired = This page was open for too long. Please sign in again.

consent = Allow access
consent-title = Allow { $client } to use your account?
consent-wants = It asks to
consent-offline = Stay connected while you are not using it
consent-returns = You return to
consent-lasts = Access ends after
consent-withdraw = You can withdraw your permission at any time on your account page.
signed-in-as = Signed in as { $username }
allow = Allow
deny = Deny
span-minutes = { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}
span-hours = { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}
span-days = { $count ->
    [one] { $count } day
   *[other] { $count } days
}

scope-openid = Know who you are on this service
scope-profile = See your name and profile
scope-email = See your e-mail address
scope-address = See your postal address
scope-phone = See your phone number
scope-offline_access = Stay connected while you are not using it

select-account = Choose an account
continue-as = Continue as { $username }
other-account = Use another account

device = Connect a device
device-lead = Enter the code that your device shows.
device-code = Code
device-error-mismatch = This code is not valid any more. Please check it or get a new one on your device.
device-error-too-many = There were too many attempts. Please wait a few minutes and try again.
device-confirm-title = Connect { $client } on your device?
device-check = Allow it only if your device shows this code and you started this yourself:
device-allowed = Your device is connected
device-allowed-lead = You can go back to your device and close this page.
device-denied = Your device was not connected
device-denied-lead = You can close this page.
continue = Continue

error = Error
error-title-request = This request cannot go on
error-title-missing = There is nothing here
error-title-server = Something went wrong on our side
error-code = Error
request-id = Request
message-unknown-client = The app that sent you here is not known to this service. Please tell the people who run the app.
message-redirect-uri = The app asked to send you to an address it has not registered, so we stopped here. Please tell the people who run the app.
message-invalid-request = The app sent a request that this service cannot understand. Please tell the people who run the app.
message-expired = This page was open for too long, or was opened in another browser. Please go back to the app and start again.
message-forgery = This form did not come from your own session. Please go back to the app and start again.
message-forbidden = Your account may not do this.
message-not-found = The page you were looking for does not exist.
message-too-many = There were too many requests. Please wait a few minutes and try again.
message-busy = The service is very busy. Please try again in a moment.
message-internal = Please try again later. If it keeps happening, give the operator the request number below.
message-logout-request = The app asked to sign you out in a way this service cannot trust. You are still signed in.

sign-out = Sign out
sign-out-title = Sign out?
sign-out-question = You are signed in as { $username }. Do you want to sign out of this service?
sign-out-question-client = { $client } asks to sign you out. You are signed in as { $username }. Do you want to sign out of this service?
sign-out-refused = You were not signed out
signed-out = You are signed out
signed-out-lead = You can close this page.
signed-out-lead-client = You signed out from { $client }. You can close this page.

returning = Taking you back to the app
returning-lead = Please continue to finish.

set-up = Set up this service
set-up-lead = Create the first administrator. This link works once.
set-up-create = Create administrator
set-up-error-link-invalid = This link was used before or is too old. Please create a new one with “chancery setup-link”.
set-up-error-username = Please choose another user name: 3 to 50 letters, digits, _ and - are allowed.
set-up-error-email = Please enter an e-mail address.
set-up-error-taken = Another account has this user name or e-mail address.
set-up-error-busy = The service is very busy. Please try again in a moment.
password-hint = At least { $count } characters. A few unrelated words make a good password.
password-error-too-short = Please choose a password of at least { $count } characters.
password-error-too-long = This password is too long; 256 characters are the most.
password-error-nul = This password holds a character that cannot be used.
password-error-common = This is one of the most common passwords. Please choose another.
password-error-personal = This password holds your name, your e-mail address or the name of this service. Please choose another.
password-error-guessable = This password is easily guessed. A few unrelated words make a better one.
password-error-no-lower = Please use at least one small letter.
password-error-no-upper = Please use at least one capital letter.
password-error-no-digit = Please use at least one digit.
password-error-no-symbol = Please use at least one character that is neither a letter nor a digit.
password-error-used = You use this password already or used it not long ago. Please choose another.
password-error-breached = This password is known from a break-in at another service. Please choose another.
password-must-change = Choose a new password
password-must-change-lead = Before you go on, please choose a new password. You are then signed out everywhere but here.

sign-up = Create an account
sign-up-link = Create an account
sign-up-have = I have an account: sign in
username-hint = 3 to 50 letters, digits, _ and -
full-name = Full name (optional)
sign-up-error-username = Please choose another user name: 3 to 50 letters, digits, _ and - are allowed.
sign-up-error-username-taken = This user name is not available. Please choose another.
sign-up-error-email = Please enter an e-mail address.
sign-up-error-name = Please enter a name of at most 100 characters.
sign-up-error-mismatch = This is not the password that was chosen for this account.
sign-up-error-busy = The service is very busy. Please try again in a moment.
sign-up-error-too-many = There were too many attempts. Please wait a few minutes and try again.
sign-up-confirm = Confirm your e-mail address
sign-up-confirm-lead = This makes the account { $username }.
sign-up-confirm-password = You opened this link in another browser than the one you started in. Please enter the password you chose.
sign-up-confirm-button = Confirm and create the account
forgot = Forgot your password?
forgot-link = Forgot your password?
forgot-lead = Enter your user name or e-mail address. We will send you a link to choose a new password.
forgot-send = Send the link
back-to-sign-in = Back to sign-in
reset = Choose a new password
reset-lead = For the account { $username }. Afterwards you are signed out everywhere, and second factors stay as they are.
reset-button = Change the password
notice-sign-up-mail = Check your mail
notice-sign-up-mail-lead = We sent a mail to the address you entered. It says how to go on and is good for 24 hours. If it does not arrive, please look in your spam folder.
notice-sign-up-mail-link = Back to sign-in
notice-sign-up-invite = You need an invitation
notice-sign-up-invite-lead = Only people who were invited can create an account here, and each invitation works once. Please ask the people who run this service for one.
notice-sign-up-invite-link = Back to sign-in
notice-sign-up-link = This link cannot be used
notice-sign-up-link-lead = It was used before, is too old, or was replaced by a newer one. If you have an account already, sign in.
notice-sign-up-link-link = Sign in
notice-sign-up-name = This user name has been taken in the meantime
notice-sign-up-name-lead = No account was made. Please start again with another user name.
notice-sign-up-name-link = Start again
notice-sign-up-email = You already have an account
notice-sign-up-email-lead = There is an account with this e-mail address by now. Please sign in.
notice-sign-up-email-link = Sign in
notice-sign-up-done = Your account is ready
notice-sign-up-done-lead = You can sign in now.
notice-sign-up-done-link = Sign in
notice-forgot-mail = Check your mail
notice-forgot-mail-lead = If there is such an account, we sent a link to its e-mail address. It is good for 30 minutes. If it does not arrive, please look in your spam folder.
notice-forgot-mail-link = Back to sign-in
notice-reset-link = This link cannot be used
notice-reset-link-lead = It was used before, is too old, or was replaced by a newer one.
notice-reset-link-link = Ask for a new link
notice-reset-done = Your password is changed
notice-reset-done-lead = You were signed out everywhere. Please sign in with the new password.
notice-reset-done-link = Sign in

account = Your account
account-sessions = Where you are signed in
account-apps = Apps you have allowed
session-current = This browser
session-since = signed in
session-end = Sign out
app-withdraw = Withdraw
apps-none = You have not allowed any app to use your account.

home = Sign-in service
home-title = One account, every app
home-lead = This service signs you in to the apps of your organisation. Apps send you here when they need to know who you are.

mail-footer = This mail was sent automatically by { $service } at { $site }. Replies to it are not read.
mail-open-account = Look at your account
mail-not-you = If this was not you, sign in, change your password and look through your second factors and sessions at once.
mail-link-minutes = The link works once, and for { $count ->
    [one] { $count } minute
   *[other] { $count } minutes
}.
mail-link-hours = The link works once, and for { $count ->
    [one] { $count } hour
   *[other] { $count } hours
}.
mail-link-days = The link works once, and for { $count ->
    [one] { $count } day
   *[other] { $count } days
}.
mail-confirm-registration-subject = Confirm your account at { $service }
mail-confirm-registration-lead = Somebody, hopefully you, asked for an account named { $name } at { $service } with this address. Please confirm that the address is yours; then the account is ready.
mail-confirm-registration-action = Confirm and create the account
mail-confirm-registration-note = If you did not ask for an account, do nothing: none will be made.
mail-already-registered-subject = You already have an account at { $service }
mail-already-registered-lead = Somebody, hopefully you, wanted to use this address for an account at { $service }. It already belongs to one, so nothing was changed.
mail-already-registered-action = Sign in
mail-already-registered-other = Choose a new password
mail-already-registered-note = If it was not you, there is nothing to do.
mail-invitation-subject = You are invited to { $service }
mail-invitation-lead = You are invited to make an account at { $service } with this address.
mail-invitation-action = Accept the invitation
mail-invitation-note = If you do not want an account, do nothing.
mail-reset-password-subject = Choose a new password for { $service }
mail-reset-password-lead = Somebody, hopefully you, forgot the password of your account at { $service }. You can choose a new one.
mail-reset-password-action = Choose a new password
mail-reset-password-note = If you did not ask for this, do nothing: your password stays as it is. Nobody from { $service } will ever ask you for this link.
mail-password-changed-subject = Your password was changed
mail-password-changed-lead = The password of your account at { $service } was changed. You were signed out everywhere else.
mail-factor-added-subject = A second factor was added
mail-factor-added-lead = The second factor “{ $name }” was added to your account at { $service }.
mail-factor-removed-subject = A second factor was removed
mail-factor-removed-lead = The second factor “{ $name }” was removed from your account at { $service }.
mail-recovery-codes-made-subject = You have new recovery codes
mail-recovery-codes-made-lead = New recovery codes were made for your account at { $service }. Older codes do not work any more.
mail-recovery-code-used-subject = A recovery code was used
mail-recovery-code-used-lead = A recovery code was used to sign in to your account at { $service }. { $count ->
    [0] None is left; please make new ones.
    [one] One code is left; please make new ones.
   *[other] { $count } codes are left.
}
mail-confirm-new-email-subject = Confirm your new e-mail address
mail-confirm-new-email-lead = Somebody, hopefully you, wants to use this address for the account { $name } at { $service }. Please confirm only if both the address and the account are yours.
mail-confirm-new-email-action = Confirm this address
mail-confirm-new-email-note = If you know nothing of it, do nothing: the address will not be used.
mail-email-change-asked-subject = Your e-mail address is about to change
mail-email-change-asked-lead = The e-mail address of your account at { $service } is to become { $address }. It changes when the new address is confirmed.
mail-email-change-asked-action = Keep the address you have
mail-email-change-asked-note = If this was not you, follow the link, then sign in and change your password.
mail-confirm-email-change-subject = Confirm the change of your e-mail address
mail-confirm-email-change-lead = The e-mail address of your account at { $service } is to become { $address }. It changes when both addresses are confirmed, this one and the new one.
mail-confirm-email-change-action = Confirm the change
mail-confirm-email-change-other = Keep the address you have
mail-confirm-email-change-note = If this was not you, do not confirm. Keep the address you have, then sign in and change your password.
mail-email-changed-subject = Your e-mail address was changed
mail-email-changed-lead = The e-mail address of your account at { $service } is now { $address }. From now on, mails go there.
mail-sign-ins-blocked-subject = Too many wrong passwords
mail-sign-ins-blocked-lead = Somebody tried many wrong passwords for your account at { $service }. From now on you can sign in only in browsers you have used before, until you choose a new password.
mail-sign-ins-blocked-action = Choose a new password
mail-sign-ins-blocked-note = If it was not you who tried, your password was not guessed; a new one opens your account again.
mail-upstream-linked-subject = Another way to sign in was connected
mail-upstream-linked-lead = From now on you can sign in to your account at { $service } with { $name }.
mail-upstream-unlinked-subject = A way to sign in was disconnected
mail-upstream-unlinked-lead = You can no longer sign in to your account at { $service } with { $name }.
mail-account-deleted-subject = Your account was deleted
mail-account-deleted-lead = Your account at { $service } and what was kept with it were deleted.

scope-account-read = See your account: profile, sessions, apps and sign-in methods
scope-account-write = Change your account: profile, e-mail, password, sessions and apps

nav-profile = Profile
nav-security = Security
nav-sessions = Sessions
nav-apps = Apps
account-open = Open your account
save = Save
change = Change
cancel = Cancel
notice-profile-saved = Your profile is saved.
notice-email-asked = Please check your mail and follow the link to finish the change.
notice-password-changed = Your password is changed. You are signed out everywhere else.
notice-session-ended = The session is ended.
notice-sessions-ended = You are signed out everywhere else.
notice-app-ended = The app can no longer use your account.

account-profile-lead = What this service knows about you, and what apps may see when you allow it.
account-about-you = About you
email-verified = confirmed
email-unverified = not confirmed
email-none = No e-mail address
password-none = No password
profile-error = Some of this cannot be kept. Please check the marked lines.
profile-name = Full name
profile-nickname = Nickname
profile-given_name = First name
profile-middle_name = Middle names
profile-family_name = Last name
profile-gender = Gender
profile-birthdate = Date of birth
profile-website = Website
profile-profile = Profile page
profile-picture = Picture
profile-locale = Language
profile-zoneinfo = Time zone
profile-hint-name = As apps show it
profile-hint-nickname = What friends call you
profile-hint-given_name = Optional
profile-hint-middle_name = Optional
profile-hint-family_name = Optional
profile-hint-gender = In your own words
profile-hint-birthdate = Like 1984-05-17, or the year alone
profile-hint-website = Like https://example.org
profile-hint-profile = The address of a page about you
profile-hint-picture = The address of a picture of you
profile-hint-locale = Like en or de-AT; mails come in it where possible
profile-hint-zoneinfo = Like Europe/Berlin

email-change = Change e-mail address
email-change-lead = Your address is { $email }. It stays in force until the change is confirmed.
email-set-lead = We will send a link to the address you enter.
email-change-both = We will send a link to your old address and one to the new one. Please follow both.
email-new = New e-mail address
email-send = Send links
email-error-invalid = Please enter an e-mail address.
email-error-same = This is already your address.
email-error-too-many = Too many links were sent lately. Please wait and try again.
email-link-confirm = Confirm the change of address
email-link-lead-confirm = The e-mail address of the account { $username } is to become { $email }. Please confirm only if that account is yours.
email-link-confirm-button = Confirm
email-link-changed = The address is changed
email-link-lead-changed = Your e-mail address is now { $email }.
email-link-waiting = One more link
email-link-lead-waiting = Thank you. Please also follow the link in the other mailbox; then your address becomes { $email }.
email-link-undo = Undo the change of address
email-link-lead-undo = Your e-mail address will be { $email }, and every browser and app will be signed out of your account.
email-link-undo-button = Undo the change
email-link-undone = The change is undone
email-link-lead-undone = Your e-mail address is { $email }. Everybody was signed out. If you did not ask for the change, please also choose a new password.
email-link-taken = The address cannot be used
email-link-lead-taken = { $email } cannot be the address of this account. Please choose another one.
email-link-invalid = This link cannot be used
email-link-lead-invalid = It was used before, is too old, or a newer one replaced it.

password-change = Change password
password-change-lead = Afterwards you are signed out everywhere but here.
password-current = Current password
password-new = New password
password-change-error-mismatch = The current password is not right.
password-change-error-too-many = There were too many attempts. Please wait a few minutes and try again.
password-change-error-busy = The service is very busy. Please try again in a moment.

account-sessions-lead = Do you know all of them? End what you do not know, and change your password.
session-two-factors = Two factors
session-unknown = Unknown device
session-seen = last seen
sessions-end-title = Sign out in several places
sessions-end-lead = Apps that you allowed to stay connected keep their access; end it under Apps.
sessions-end-others = Sign out everywhere else
sessions-end-all = Sign out everywhere
account-apps-lead = Apps that you signed in to or allowed to use your account.
app-since = since
app-used = last used

passkey = Passkey
passkey-use = Use a passkey
passkey-add = Add a passkey
passkey-lead = Use your passkey or security key.
passkey-error = That did not work. Please try again, or go on in another way.
passkeys = Passkeys
passkeys-lead = A passkey on your phone, computer or security key signs you in without a password, and cannot be taken by a false page.
passkeys-script = Passkeys need JavaScript.
totp = Authenticator app
totp-add = Add an authenticator app
totp-default-name = Authenticator app
totp-step-scan = Scan this with your authenticator app.
totp-qr = QR code for the authenticator app
totp-by-hand = Or type the key into the app
totp-step-code = Enter the six-digit code that the app shows
enrol = Protect your account
enrol-lead = This account needs a second way to prove that it is you. Set one up to go on.
factors = Second factors
factors-lead = After your password, one of these proves that it is you.
factors-required = Your account must keep at least one.
factors-none = None yet. Add an authenticator app or a passkey.
factor-name = Name
factor-kind-totp = Authenticator app
factor-kind-passkey = Passkey
factor-added = Added
factor-used = last used
factor-unused = never used
factor-rename = Rename
factor-save = Save
factor-remove = Remove
factor-error-mismatch = This code is not right. Check the time of your device and enter the code it shows now.
factor-error-expired = This page was open for too long. Please begin again.
factor-error-too-many = Your account has as many as it may have. Remove one first.
factor-error-needed = Your account must keep at least one second factor. Add another before you remove this one.
recovery-codes = Recovery codes
recovery-codes-lead = Each of these codes signs you in once when you have lost everything else. They are shown only now: keep them in a safe place.
recovery-codes-file = Save as a file
recovery-codes-kept = I have kept them
recovery-codes-make = Make new codes
recovery-codes-made = Made
recovery-codes-left = { $count ->
    [0] No codes are left.
    [one] { $count } code is left.
   *[other] { $count } codes are left.
}
notice-factor-added = The second factor was added.
notice-factor-renamed = The name was changed.
notice-factor-removed = The second factor was removed. Your other sessions were ended.
or = or

upstream-or = or
upstream-use = Continue with { $upstream }
upstream-unknown = No account is connected yet
upstream-unknown-lead = You signed in at { $upstream }, and no account here is connected with that yet.
upstream-unknown-person = You signed in at { $upstream } as { $person }, and no account here is connected with that yet.
upstream-connect-hint = Do you have an account here? Sign in to it once. From then on { $upstream } will do.
upstream-connect-mine = Connect my account
upstream-create-hint = Are you new here?
upstream-create = Create a new account
upstream-confirm = Connect { $upstream }?
upstream-confirm-lead = Whoever signs in at { $upstream } as you did can then sign in to this account.
upstream-confirm-person = Whoever signs in at { $upstream } as { $person } can then sign in to this account.
upstream-connect = Connect
upstream-skip = Not now
message-upstream-refused = The other service did not sign you in. Please go back and try again, or sign in another way.
message-upstream-failed = The other service gave an answer that this service cannot trust, so nobody was signed in. Please go back and sign in another way.
message-upstream-away = The other service does not answer right now. Please try again later, or go back and sign in another way.
message-upstream-account = This account cannot sign in. Please ask the operator of this service.

nav-identities = Connected sign-ins
identities-lead = Other services that can sign you in to this account.
identities-none = No other service is connected.
identities-connect = Connect another service
identity-connect = Connect { $upstream }
identity-closed = Not available
identity-since = connected
identity-used = last used
identity-end = Disconnect
notice-identity-ended = The service is disconnected.
notice-identity-last = This is your only way to sign in. Set a password or add a passkey first.
notice-identity-taken = That sign-in is already connected.
